package actors

import (
	"context"
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// A reader waits for commands on one connection to one host of the layer, and fails with
// the connection. Its next incarnation connects again, after a delay.

// openNow comes when the delay before an attempt is over.
type openNow struct{ stamp }

// opened is the outcome of one Layer.OpenReader.
type opened struct {
	task
	reader CommandReader
}

// readerLost comes when the connection has failed.
type readerLost struct {
	stamp
	err error
}

// received is the outcome of one CommandReader.Receive.
type received struct {
	task
	received []messages.Received
}

type reader struct {
	*env
	incarnation
	commands Ref[messages.ToCommands]
	host     int
	live     CommandReader // nil: there is none yet
}

func newReader(deps *env, to *refs, host int) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &reader{env: deps, commands: to.commands, host: host}
	})
}

// Receive is the reader's table.
func (r *reader) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		r.commands.Tell(messages.ReaderStarted{Host: r.host})
	case messages.OpenReader:
		delay := r.Backoff.Redis().Delay(m.Attempt)
		r.registry.waits(r.self.GetId(), delay, m.Attempt)
		r.after(delay, &openNow{})
	case *openNow:
		r.open()
	case *opened:
		r.opened(m)
	case *readerLost:
		fail(m.err)
	case messages.Fetch:
		r.receive(m.Limit)
	case *received:
		r.received(m)
	case *actor.Stopping, *actor.Restarting:
		if r.live != nil {
			r.live.Close()
		}
	default:
		r.unhandled(ctx)
	}
}

func (r *reader) open() {
	m := &opened{}
	m.work = func(ctx context.Context) (err error) {
		m.reader, err = r.Layer.OpenReader(ctx, r.host, func(err error) { r.send(&readerLost{err: err}) })
		if err == nil && ctx.Err() != nil {
			m.reader.Close() // the incarnation has ended
			err = ctx.Err()
		}
		return err
	}
	r.run("connecting to Redis for commands", m)
}

func (r *reader) opened(m *opened) {
	if m.err != nil {
		fail(m.err)
	}
	r.live = m.reader
	r.registry.note(r.self.GetId(), "connected", "Redis answers")
	r.commands.Tell(messages.LayerReached{Host: r.host})
}

func (r *reader) receive(limit int) {
	if r.live == nil {
		return // an earlier incarnation was meant
	}
	live, m := r.live, &received{}
	m.work = func(ctx context.Context) (err error) {
		m.received, err = live.Receive(ctx, limit)
		return err
	}
	r.run("reading the command channel", m)
}

func (r *reader) received(m *received) {
	switch {
	case m.err == nil:
		r.commands.Tell(messages.Fetched{Host: r.host, Received: m.received})
	case !errors.Is(m.err, context.Canceled):
		fail(m.err)
	}
}

// inherit passes on what an earlier incarnation has received, and closes what it has opened.
func (r *reader) inherit(late private) {
	switch m := late.(type) {
	case *received:
		if m.err == nil {
			r.commands.Tell(messages.Fetched{Host: r.host, Received: m.received, Late: true})
		}
	case *opened:
		if m.err == nil {
			m.reader.Close()
		}
	}
}
