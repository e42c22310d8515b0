package actors

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// The receiver waits for commands, in one goroutine at a time that it owns. It
// dies of the first error of the layer; its next incarnation waits a while
// before it tries again.

// takeNow comes when the delay before an attempt is over.
type takeNow struct{ limit int }

// reached says that Redis answered the incarnation with that context.
type reached struct{ life context.Context }

// taken is the outcome of one Layer.Receive of the incarnation with that
// context.
type taken struct {
	life     context.Context
	received []messages.Received
	err      error
}

type receiver struct {
	*dependencies
	ctx    context.Context
	cancel context.CancelFunc
	timer  *time.Timer
	up     bool // Redis answered this incarnation
}

func newReceiver(deps *dependencies) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		ctx, cancel := context.WithCancel(context.Background())
		return &receiver{dependencies: deps, ctx: ctx, cancel: cancel}
	})
}

// Receive is the receiver's table.
func (r *receiver) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		r.reader.Tell(messages.ReceiverStarted{})
	case messages.Take:
		delay := r.Backoff.layer().delay(m.Attempt)
		if !r.up {
			r.observer.waits(r.paths.receiver, delay, m.Attempt)
		}
		r.timer = r.tellAfter(delay, ctx.Self(), takeNow{m.Limit})
	case takeNow:
		r.receive(ctx, m.limit)
	case reached:
		r.reached(m)
	case taken:
		r.taken(m)
	case *actor.Stopping, *actor.Restarting:
		r.cancel()
		if r.timer != nil {
			r.timer.Stop()
		}
	default:
		r.strange(ctx)
	}
}

func (r *receiver) receive(ctx actor.Context, limit int) {
	life, up, root, self := r.ctx, r.up, r.system.Root, ctx.Self()
	r.dispatcher.Schedule(func() {
		m := taken{life: life}
		m.err = r.protect("reading the command channel", func() (err error) {
			if !up {
				if err := r.Layer.Ping(life); err != nil {
					return err
				}
				root.Send(self, reached{life})
			}
			m.received, err = r.Layer.Receive(life, limit)
			return err
		})
		root.Send(self, m)
	})
}

func (r *receiver) reached(m reached) {
	if m.life == r.ctx {
		r.up = true
		r.observer.note(r.paths.receiver, "connected", "Redis answers")
		r.reader.Tell(messages.LayerReached{})
	}
}

func (r *receiver) taken(m taken) {
	if m.err == nil {
		// What an earlier incarnation received is under way all the same.
		r.reader.Tell(messages.Took{Received: m.received})
		return
	}
	if m.life != r.ctx || errors.Is(m.err, context.Canceled) {
		return
	}
	fail(m.err)
}
