package actors

import (
	"context"
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// The receiver waits for commands, in one goroutine at a time that it owns. It
// dies of the first error of the layer; its next incarnation waits a while
// before it tries again.

// takeNow comes when the delay before an attempt is over.
type takeNow struct {
	stamp
	limit int
}

// reached says that Redis answered the incarnation.
type reached struct{ stamp }

// taken is the outcome of one Layer.Receive.
type taken struct {
	task
	received []messages.Received
}

type receiver struct {
	*env
	incarnation
	reader Ref[messages.ToReader]
	up     bool // Redis answered this incarnation
}

func newReceiver(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &receiver{env: deps, reader: to.reader}
	})
}

// Receive is the receiver's table.
func (r *receiver) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		r.reader.Tell(messages.ReceiverStarted{})
	case messages.Take:
		delay := r.Backoff.Redis().Delay(m.Attempt)
		if !r.up {
			r.observer.waits(r.paths.receiver, delay, m.Attempt)
		}
		r.after(delay, &takeNow{limit: m.Limit})
	case *takeNow:
		r.receive(m.limit)
	case *reached:
		r.reached()
	case *taken:
		r.taken(m)
	default:
		r.strange(ctx)
	}
}

func (r *receiver) receive(limit int) {
	up, m := r.up, &taken{}
	m.work = func(ctx context.Context) (err error) {
		if !up {
			if err := r.Layer.Ping(ctx); err != nil {
				return err
			}
			r.send(&reached{})
		}
		m.received, err = r.Layer.Receive(ctx, limit)
		return err
	}
	r.run("reading the command channel", m)
}

func (r *receiver) reached() {
	r.up = true
	r.observer.note(r.paths.receiver, "connected", "Redis answers")
	r.reader.Tell(messages.LayerReached{})
}

func (r *receiver) taken(m *taken) {
	switch {
	case m.err == nil:
		r.reader.Tell(messages.Took{Received: m.received})
	case !errors.Is(m.err, context.Canceled):
		fail(m.err)
	}
}

// inherit passes on what an earlier incarnation has received: it is under way all the same.
func (r *receiver) inherit(late private) {
	if m, ok := late.(*taken); ok && m.err == nil {
		r.reader.Tell(messages.Took{Received: m.received})
	}
}
