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

// A group writes what is delivered to one target (a group of Channels, a channel or a
// stream) to the layer. Package delivery decides what is written and when. The group owns
// the writes under way and the reminders. While Redis is away it tries a write again until
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

// writeNow makes the group write. It stands behind the messages that came before it, which
// make one batch.
type writeNow struct{}

// sendAgain comes when the delay after a failed write, or one to a full queue, is over.
// queue is empty for the write to everybody.
type sendAgain struct {
	stamp
	queue string
}

// groupRefs are the actors that groups send to. All groups share one value, to save memory.
type groupRefs struct {
	session  Ref[messages.ToSession]
	router   Ref[messages.ToRouter]
	commands Ref[messages.ToCommands]
}

type group struct {
	*env
	incarnation
	*groupRefs
	seen   *watched
	name   messages.Target
	target *delivery.Target

	writeQueued bool // writeNow is in the mailbox
	limited     limitedLog
	slow        time.Duration // each write is delayed for so long

	stopNumber uint64 // number of the last StopWhenIdle; 0: a subscription serves the target
	draining   bool
}

// newTargets makes the actors of all targets, whatever their kind.
func newTargets(deps *env, to *refs) *family {
	limits := &delivery.Limits{
		Backlog: deps.GroupBacklog, Overflow: deps.QueueBacklog, Expiry: deps.Expiry, Budget: deps.budget(), Stats: deps.Stats,
	}
	shared := &groupRefs{session: to.session, router: to.router, commands: to.commands}
	return newFamily(deps, actor.Unbounded(), func(seen *watched) actor.Actor {
		target := messages.Target{Name: seen.name}
		switch seen.kind {
		case channelKind:
			target.Kind = messages.Channel
		case streamKind:
			target.Kind = messages.Stream
		}
		return &group{env: deps, groupRefs: shared, seen: seen, name: target, target: delivery.New(target, limits)}
	})
}

// Receive is the group's table.
func (g *group) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Deliver:
		g.deliver(m)
	case messages.SendRetained:
		g.stopNumber = 0
		g.target.Recipient(m)
	case messages.RetainedComplete:
		g.target.Complete(m.Filter, m.Serial)
	case writeNow:
		g.writeQueued = false
		g.write(g.target.Next())
	case *sent:
		g.sent(m)
	case *sendAgain:
		g.sendAgain(m)
	case delayWrites:
		g.slow = m.by
	case messages.HandOver:
		g.apply(g.target.HandOver(m.ID))
	case messages.StopWhenIdle:
		g.stopNumber = m.Number
		g.reportIdle()
	case messages.Drain:
		g.draining = true
		g.reportIdle()
	case *actor.Restarting:
		g.apply(g.target.GiveUp())
	case *actor.Stopping:
		g.abandon()
	default:
		g.unhandled(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (g *group) release(message any) {
	switch m := message.(type) {
	case messages.Deliver:
		g.settle([]messages.Settlement{{Token: m.Token, Weight: m.Weight}})
		g.reportReplies(m.Receipt)
	case *sent:
		g.apply(g.target.Forget(m.batch))
	}
}

func (g *group) deliver(m messages.Deliver) {
	if m.Weight > 0 {
		g.stopNumber = 0 // a subscription serves the target again
	}
	dropped := g.target.Add(m)
	g.note(g.seen.path, &g.target.Trail)
	g.settle(dropped)
	g.soon()
}

// soon writes what waits, once the messages in the mailbox are handled. Senders run first,
// so that more of a burst makes the first batch.
func (g *group) soon() {
	if !g.target.Writing() && !g.writeQueued {
		g.writeQueued = true
		runtime.Gosched()
		g.system.Root.Send(g.self, writeNow{})
	}
}

// write starts to write a batch, if there is one. The outcome comes as sent.
func (g *group) write(b *messages.Batch) {
	if b != nil {
		g.run("writing", &sent{deps: g.env, batch: b, slow: g.slow, size: delivery.PackedSize(b)})
	}
}

func (g *group) sent(m *sent) {
	if m.err != nil {
		g.failed(m)
		return
	}
	g.apply(g.target.Written(m.batch, m.outcome, time.Now()))
	g.seen.sent.Store(g.target.Stored())
	g.reportIdle()
}

// failed writes the same batch again after a delay.
func (g *group) failed(m *sent) {
	attempts, queue := g.target.Failed(m.batch)
	g.note(g.seen.path, &g.target.Trail)
	g.limited.warn(g.env, "writing to "+g.name.String(), m.err)
	g.retry(attempts, &sendAgain{queue: queue})
}

func (g *group) sendAgain(m *sendAgain) {
	g.apply(g.target.Again(m.queue, time.Now()))
	g.reportIdle()
}

// apply carries out effects: it gives weights back, sends answers, and writes.
func (g *group) apply(e delivery.Effects) {
	g.note(g.seen.path, &g.target.Trail)
	if e.NowFull {
		g.Log.Warn("a stream is full: its handlers are too slow, or have stopped; the MQTT broker keeps further messages until they catch up",
			"stream", g.name.Name)
	}
	for _, a := range e.Again {
		g.after(a.After, &sendAgain{queue: a.Queue})
	}
	g.settle(e.Settled)
	g.reportReplies(e.Answered...)
	for _, id := range e.HandedOver {
		g.router.Tell(messages.HandedOver{ID: id})
	}
	g.write(e.Write)
}

// reportIdle answers StopWhenIdle and Drain when nothing waits. The latter does not wait for
// a queue that nobody reads.
func (g *group) reportIdle() {
	if !g.target.Empty() {
		return
	}
	if g.stopNumber > 0 && !g.target.Overflows() {
		g.router.Tell(messages.Idle{Target: g.name, Number: g.stopNumber})
	}
	if g.draining && !g.target.Moving(time.Now()) {
		g.router.Tell(messages.Drained{From: g.name.String()})
	}
}

// abandon logs, when the worker stops, which messages in overflow queues are lost. They have
// been acknowledged.
func (g *group) abandon() {
	for queue, n := range g.target.Abandon() {
		g.Log.Warn("stopping: dropped messages that waited for room in a queue", "target", g.name.String(), "queue", queue, "messages", n)
	}
	g.note(g.seen.path, &g.target.Trail)
}

func (g *group) settle(parts []messages.Settlement) {
	if len(parts) > 0 {
		g.session.Tell(messages.Settled{Parts: parts})
	}
}

// reportReplies reports that answers were written.
func (g *group) reportReplies(receipts ...messages.Receipt) {
	if len(receipts) > 0 && receipts[0] != "" {
		g.commands.Tell(messages.ReplyWritten{Receipts: receipts})
	}
}

func (g *group) facts() any { return g.target.Facts(time.Now()) }
