package actors

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/delivery"
	"chanmqttproxy/messages"
)

// A fanout writes what is delivered to one target (a group of Channels, a channel or a
// stream) to the layer. Package delivery decides what is written and when. The fanout owns
// the writes under way and the reminders. While Redis is unreachable it tries a write again until
// it succeeds.

// sent is one Layer.Send and its outcome.
type sent struct {
	result
	deps    *env
	batch   *messages.Batch
	slow    time.Duration // the write is delayed for so long
	size    int64         // of the batch as the layer packs it, in bytes
	outcome messages.Outcome
}

// do writes the batch. One that makes the layer panic would do so each time: it counts as
// written.
func (m *sent) do(ctx context.Context) error {
	pause(ctx, m.slow)
	defer m.deps.encoded.take(ctx, m.size)()
	err := m.deps.protect("writing to "+m.batch.Target.String(), func() (err error) {
		m.outcome, err = m.deps.Layer.Send(ctx, m.batch)
		return err
	})
	if errors.As(err, new(panicked)) {
		return nil
	}
	return err
}

// writeNow makes the fanout write. It stands behind the messages that came before it, which
// make one batch.
type writeNow struct{}

// sendAgain comes when the delay after a failed write, or one to a full queue, is over.
// queue is empty for the write to everybody.
type sendAgain struct {
	stamp
	queue string
}

// fanoutRefs are the actors that fanouts send to. All fanouts share one value, to save memory.
type fanoutRefs struct {
	session  Ref[messages.ToSession]
	router   Ref[messages.ToRouter]
	commands Ref[messages.ToCommands]
}

type fanout struct {
	*env
	incarnation
	*fanoutRefs
	seen   *record
	name   messages.Target
	target *delivery.Target

	writeQueued bool // writeNow is in the mailbox
	limited     limitedLog
	slow        time.Duration // each write is delayed for so long

	stopNumber uint64 // number of the last StopWhenIdle; 0: a subscription serves the target
	draining   bool
}

// newTargets makes the actors of all targets, whatever their kind.
func newTargets(deps *env, to *refs) *spawner {
	limits := &delivery.Limits{
		Backlog: deps.GroupBacklog, Overflow: deps.QueueBacklog, Expiry: deps.Expiry, Budget: deps.budget(), Stats: deps.Stats,
	}
	shared := &fanoutRefs{session: to.session, router: to.router, commands: to.commands}
	return newSpawner(deps, actor.Unbounded(), func(seen *record) actor.Actor {
		target := messages.Target{Name: seen.name}
		switch seen.kind {
		case channelKind:
			target.Kind = messages.Channel
		case streamKind:
			target.Kind = messages.Stream
		}
		return &fanout{env: deps, fanoutRefs: shared, seen: seen, name: target, target: delivery.New(target, limits)}
	})
}

// Receive is the fanout's table.
func (f *fanout) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Deliver:
		f.deliver(m)
	case messages.SendRetained:
		f.stopNumber = 0
		f.target.Recipient(m)
	case messages.RetainedComplete:
		f.target.Complete(m.Filter, m.Revision)
	case writeNow:
		f.writeQueued = false
		f.write(f.target.Next())
	case *sent:
		f.sent(m)
	case *sendAgain:
		f.sendAgain(m)
	case delayWrites:
		f.slow = m.by
	case messages.HandOver:
		f.apply(f.target.HandOver(m.ID))
	case messages.StopWhenIdle:
		f.stopNumber = m.Number
		f.reportIdle()
	case messages.Drain:
		f.draining = true
		f.reportIdle()
	case *actor.Restarting:
		f.apply(f.target.GiveUp())
	case *actor.Stopping:
		f.abandon()
	default:
		f.unhandled(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (f *fanout) release(message any) {
	switch m := message.(type) {
	case messages.Deliver:
		f.settle([]messages.Settlement{{Token: m.Token, Weight: m.Weight}})
		f.reportReplies(m.Receipt)
	case *sent:
		f.apply(f.target.Forget(m.batch))
	}
}

func (f *fanout) deliver(m messages.Deliver) {
	if m.Weight > 0 {
		f.stopNumber = 0 // a subscription serves the target again
	}
	dropped := f.target.Add(m)
	f.note(f.seen.path, &f.target.Trail)
	f.settle(dropped)
	f.soon()
}

// soon writes what waits, once the messages in the mailbox are handled. Senders run first,
// so that more of a burst makes the first batch.
func (f *fanout) soon() {
	if !f.target.Writing() && !f.writeQueued {
		f.writeQueued = true
		runtime.Gosched()
		f.system.Root.Send(f.self, writeNow{})
	}
}

// write starts to write a batch, if there is one. The outcome comes as sent.
func (f *fanout) write(b *messages.Batch) {
	if b != nil {
		f.run("writing", &sent{deps: f.env, batch: b, slow: f.slow, size: delivery.PackedSize(b)})
	}
}

func (f *fanout) sent(m *sent) {
	if m.err != nil {
		f.failed(m)
		return
	}
	f.apply(f.target.Written(m.batch, m.outcome, time.Now()))
	f.seen.sent.Store(f.target.Stored())
	f.reportIdle()
}

// failed writes the same batch again after a delay.
func (f *fanout) failed(m *sent) {
	attempts, queue := f.target.Failed(m.batch)
	f.note(f.seen.path, &f.target.Trail)
	f.limited.warn(f.env, "writing to "+f.name.String(), m.err)
	f.retry(attempts, &sendAgain{queue: queue})
}

func (f *fanout) sendAgain(m *sendAgain) {
	f.apply(f.target.Again(m.queue, time.Now()))
	f.reportIdle()
}

// apply carries out effects: it gives weights back, sends answers, and writes.
func (f *fanout) apply(e delivery.Effects) {
	f.note(f.seen.path, &f.target.Trail)
	if e.NowFull {
		f.Log.Warn("a stream is full: its handlers are too slow, or have stopped; the MQTT broker keeps further messages until they catch up",
			"stream", f.name.Name)
	}
	for _, a := range e.Again {
		f.after(a.After, &sendAgain{queue: a.Queue})
	}
	f.settle(e.Settled)
	f.reportReplies(e.Answered...)
	for _, id := range e.HandedOver {
		f.router.Tell(messages.HandedOver{ID: id})
	}
	f.write(e.Write)
}

// reportIdle answers StopWhenIdle and Drain when nothing waits. The latter does not wait for
// a queue that nobody reads.
func (f *fanout) reportIdle() {
	if !f.target.Empty() {
		return
	}
	if f.stopNumber > 0 && !f.target.Overflows() {
		f.router.Tell(messages.Idle{Target: f.name, Number: f.stopNumber})
	}
	if f.draining && !f.target.Moving(time.Now()) {
		f.router.Tell(messages.Drained{From: f.name.String()})
	}
}

// abandon logs, when the worker stops, which messages in overflow queues are lost. They have
// been acknowledged.
func (f *fanout) abandon() {
	for queue, n := range f.target.Abandon() {
		f.Log.Warn("stopping: dropped messages that waited for room in a queue", "target", f.name.String(), "queue", queue, "messages", n)
	}
	f.note(f.seen.path, &f.target.Trail)
}

func (f *fanout) settle(parts []messages.Settlement) {
	if len(parts) > 0 {
		f.session.Tell(messages.Settled{Parts: parts})
	}
}

// reportReplies reports that answers were written.
func (f *fanout) reportReplies(receipts ...messages.Receipt) {
	if len(receipts) > 0 && receipts[0] != "" {
		f.commands.Tell(messages.ReplyWritten{Receipts: receipts})
	}
}

func (f *fanout) info() any { return f.target.Info(time.Now()) }
