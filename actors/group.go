package actors

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// A group writes what is delivered to one target (a group of Channels, or one
// channel) to the layer, in order. One write is under way at a time, and what
// comes meanwhile goes with the next: batches form when the layer is the slower
// one and cost nothing when it is not.
//
// While Redis is away the batch is tried again until it comes through. The
// backlog is bounded: messages of QoS 0 above the bound are dropped, oldest
// first.

// batchLimit is the most events of one write. More makes the layer's script
// hold up other clients of Redis for longer, and gains little.
const batchLimit = 64

// retryMax caps the delay between attempts to write: the reader finds out that
// Redis is back, and by then the messages should go on soon.
const retryMax = 2 * time.Second

// waiting is one delivery that is not written yet.
type waiting struct {
	event      messages.Event
	settlement messages.Settlement
}

// sent is the outcome of one Layer.Send of the incarnation with that context.
type sent struct {
	life    context.Context
	outcome messages.Outcome
	err     error
}

// sendAgain comes when the delay after a failed write is over.
type sendAgain struct{ life context.Context }

type group struct {
	*dependencies
	target messages.Target
	ctx    context.Context
	cancel context.CancelFunc

	backlog  []waiting
	batch    *messages.Batch // under way; nil: none
	parts    []messages.Settlement
	attempts int
	timer    *time.Timer

	handled uint64
	retired bool
}

func newGroup(deps *dependencies, target messages.Target) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		ctx, cancel := context.WithCancel(context.Background())
		return &group{dependencies: deps, target: target, ctx: ctx, cancel: cancel}
	})
}

// Receive is the group's table.
func (g *group) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Deliver:
		g.deliver(ctx, m)
	case sent:
		g.sent(ctx, m)
	case sendAgain:
		if m.life == g.ctx {
			g.send(ctx)
		}
	case messages.Retire:
		g.retired = true
		g.tellDrained()
	case *actor.Restarting:
		g.stop()
		g.giveUp()
	case *actor.Stopping:
		g.stop()
	}
}

// release gives back what a message held whose handling panicked.
func (g *group) release(message any) {
	if m, ok := message.(messages.Deliver); ok {
		g.settle([]messages.Settlement{{Token: m.Token, Weight: m.Weight}})
	}
}

func (g *group) deliver(ctx actor.Context, m messages.Deliver) {
	g.handled++
	g.backlog = append(g.backlog, waiting{m.Event, messages.Settlement{Token: m.Token, Weight: m.Weight}})
	g.shed()
	g.next(ctx)
}

// shed keeps the backlog within its bound.
func (g *group) shed() {
	if len(g.backlog) <= g.GroupBacklog {
		return
	}
	for i, w := range g.backlog {
		if w.event.Message.QoS == 0 {
			g.Stats.Overflowed.Add(1)
			g.settle([]messages.Settlement{w.settlement})
			copy(g.backlog[1:], g.backlog[:i])
			g.backlog = g.backlog[1:]
			return
		}
	}
}

// next makes a batch of what waits and writes it, unless one is under way.
func (g *group) next(ctx actor.Context) {
	if g.batch != nil || len(g.backlog) == 0 {
		return
	}
	n := min(len(g.backlog), batchLimit)
	g.batch = &messages.Batch{Target: g.target, Events: make([]messages.Event, n)}
	g.parts = make([]messages.Settlement, n)
	for i, w := range g.backlog[:n] {
		g.batch.Events[i], g.parts[i] = w.event, w.settlement
	}
	clear(g.backlog[:n])
	g.backlog = g.backlog[n:]
	g.send(ctx)
}

func (g *group) send(ctx actor.Context) {
	life, batch, self := g.ctx, g.batch, ctx.Self()
	go func() {
		m := sent{life: life}
		m.err = g.protect("writing to "+g.target.String(), func() (err error) {
			m.outcome, err = g.Layer.Send(life, batch)
			return err
		})
		g.system.Root.Send(self, m)
	}()
}

func (g *group) sent(ctx actor.Context, m sent) {
	if m.life != g.ctx {
		return
	}
	if m.err != nil && !errors.As(m.err, new(panicked)) {
		g.retry(ctx, m.err)
		return
	}
	g.Stats.Stored.Add(int64(m.outcome.Stored))
	g.Stats.Full.Add(int64(m.outcome.Full))
	g.settle(g.parts)
	g.attempts, g.batch, g.parts = 0, nil, nil
	g.next(ctx)
	g.tellDrained()
}

// retry writes the same batch again after a while: what a write that failed
// half way has done is not done twice.
func (g *group) retry(ctx actor.Context, err error) {
	g.attempts++
	g.Log.Debug("writing to the layer failed; trying again", "target", g.target.String(), "attempts", g.attempts, "error", err)
	life, self := g.ctx, ctx.Self()
	g.timer = time.AfterFunc(min(g.Backoff.delay(g.attempts), retryMax), func() { g.system.Root.Send(self, sendAgain{life}) })
}

// tellDrained offers to stop when the target is retired and nothing waits.
func (g *group) tellDrained() {
	if g.retired && g.batch == nil && len(g.backlog) == 0 {
		g.groups.Tell(messages.Drained{Target: g.target, Handled: g.handled})
	}
}

// giveUp drops everything, as the last thing an incarnation does that a bug
// has made useless.
func (g *group) giveUp() {
	g.settle(g.parts)
	for _, w := range g.backlog {
		g.settle([]messages.Settlement{w.settlement})
	}
}

func (g *group) stop() {
	g.cancel()
	if g.timer != nil {
		g.timer.Stop()
	}
}

func (g *group) settle(parts []messages.Settlement) {
	if len(parts) > 0 {
		g.broker.Tell(messages.Settled{Parts: parts})
	}
}
