package actors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// A connection owns one Network Connection to the MQTT broker, and fails with it: when the
// attempt fails, the connection is lost, or an answer does not come. The next incarnation gets
// a new number.

// dialNow comes when the delay before the attempt is over.
type dialNow struct {
	stamp
	connection uint64
}

// dialed is the outcome of one Dial.
type dialed struct {
	task
	connection uint64
	conn       Conn
}

// lost comes when the connection has failed.
type lost struct {
	stamp
	err error
}

// sentOut comes when a batch of publishes was passed to the connection.
type sentOut struct{ task }

// answered carries the broker's answer to SUBSCRIBE or UNSUBSCRIBE.
type answered struct {
	task
	doing  string
	answer messages.ToSession
}

type connection struct {
	*env
	incarnation
	session Ref[messages.ToSession]
	router  Ref[messages.ToRouter] // for the sink
	connect messages.Connect
	owned   incarnationConn
	sink    *sink
	live    Conn
	markers *sessionMarkers

	outgoing   []messages.Publish
	publishing bool
}

func newConnection(deps *env, to *refs) *actor.Props {
	markers := &sessionMarkers{slot: deps.Slot, health: deps.health, mirror: deps.mirror, router: to.router}
	return propsOf(deps, func() actor.Actor {
		return &connection{env: deps, session: to.session, router: to.router, markers: markers}
	})
}

// Receive is the connection's table.
func (c *connection) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.session.Tell(messages.ConnectionStarted{})
	case messages.Connect:
		c.prepare(m)
	case *dialNow:
		c.dial(m)
	case *dialed:
		c.dialed(m)
	case messages.Publish:
		c.enqueue(m)
	case *sentOut:
		c.sentOut(m)
	case messages.Subscribe:
		c.subscribe(m)
	case messages.Unsubscribe:
		c.unsubscribe(m)
	case messages.Mark:
		c.mark(m.Marker)
	case *answered:
		c.answered(m)
	case *lost:
		fail(m.err)
	case drop:
		fail(&messages.ConnectionFailure{Doing: "dropping the connection by hand", Err: injectedFailure{}, Cause: messages.Network})
	case messages.Drain:
		c.drain()
	case *actor.Stopping, *actor.Restarting:
		c.owned.close()
	default:
		c.unhandled(ctx)
	}
}

func (c *connection) prepare(m messages.Connect) {
	c.connect = m
	c.registry.waits(c.paths.connection, m.Pause, m.Attempt)
	c.after(m.Pause, &dialNow{connection: m.Connection})
}

func (c *connection) dial(m *dialNow) {
	if m.connection != c.connect.Connection {
		return
	}
	c.sink = &sink{env: c.env, session: c.session, router: c.router, connection: &c.incarnation}
	j, sink := &dialed{connection: m.connection}, c.sink
	j.work = func(ctx context.Context) (err error) {
		if j.conn, err = c.MQTT.Dial(ctx, c.Version, sink); err == nil {
			c.owned.own(j.conn)
		}
		return err
	}
	c.router.Tell(messages.Marked{}) // what comes from now on comes by another connection
	c.run("connecting to the MQTT broker", j)
}

func (c *connection) dialed(m *dialed) {
	if m.connection != c.connect.Connection {
		return
	}
	if m.err != nil {
		fail(m.err)
	}
	c.live = m.conn
	if c.Birth != nil {
		c.enqueue(messages.Publish{Message: c.Birth})
	}
	c.session.Tell(messages.Connected{Connection: m.connection, Info: c.live.Info()})
}

// enqueue takes a publish. Without a connection it is dropped: the session sends it again
// on the next one.
func (c *connection) enqueue(m messages.Publish) {
	if c.live != nil {
		c.outgoing = append(c.outgoing, m)
		c.publish()
	}
}

// publish passes what waits to the connection, in order, one batch at a time.
func (c *connection) publish() {
	if c.publishing || len(c.outgoing) == 0 {
		return
	}
	run, live, j := c.outgoing, c.live, &sentOut{}
	c.outgoing, c.publishing = nil, true
	j.work = func(ctx context.Context) error {
		for i, p := range run {
			p.More = i < len(run)-1
			c.tap.show(true, p.Message)
			c.step(p.Message, c.paths.connection, "publishing", "handed to the connection")
			err := c.protect("publishing", func() error { return live.Publish(ctx, p) })
			if errors.As(err, new(panicked)) {
				c.session.Tell(messages.Published{Receipt: p.Receipt, Code: messages.ReasonImplementation, Reason: "a bug in the worker"})
				continue
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	c.run("publishing", j)
}

func (c *connection) sentOut(m *sentOut) {
	if m.err != nil {
		c.loseSoon("publishing", m.err)
		return
	}
	c.publishing = false
	c.publish()
}

func (c *connection) subscribe(m messages.Subscribe) {
	c.query(fmt.Sprintf("subscribing to %d filters", len(m.Filters)), func(ctx context.Context, live Conn) (messages.ToSession, error) {
		codes, err := live.Subscribe(ctx, m.Filters)
		if errors.Is(err, context.DeadlineExceeded) {
			return messages.NoAnswer{ID: m.ID}, nil
		}
		return messages.Subscribed{ID: m.ID, Filters: m.Filters, Codes: codes}, err
	})
}

func (c *connection) unsubscribe(m messages.Unsubscribe) {
	c.query(fmt.Sprintf("unsubscribing from %d filters", len(m.Filters)), func(ctx context.Context, live Conn) (messages.ToSession, error) {
		err := c.markers.subscribeFirst(ctx, live, m.Filters)
		if err == nil {
			err = live.Unsubscribe(ctx, m.Filters)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return messages.NoAnswer{}, nil
		}
		return messages.Unsubscribed(m), err
	})
}

func (c *connection) mark(marker string) {
	c.query("marking what waits at the broker", func(ctx context.Context, live Conn) (messages.ToSession, error) {
		return nil, c.markers.publish(ctx, live, marker)
	})
}

// query sends a request to the broker and waits for the answer. A failed one is a lost connection.
func (c *connection) query(doing string, request func(context.Context, Conn) (messages.ToSession, error)) {
	if c.live == nil {
		return
	}
	live, j := c.live, &answered{doing: doing}
	j.work = func(ctx context.Context) (err error) {
		j.answer, err = request(ctx, live)
		return err
	}
	c.run(doing, j)
}

func (c *connection) answered(m *answered) {
	if m.err != nil {
		c.loseSoon(m.doing, m.err)
		return
	}
	if m.answer != nil {
		c.session.Tell(m.answer)
	}
}

// loseSoon fails with err in a moment, unless the connection itself reports before then why it
// is lost.
func (c *connection) loseSoon(doing string, err error) {
	c.after(time.Second, &lost{err: &messages.ConnectionFailure{Doing: doing, Err: err}})
}

// drain stops to pass on messages.
func (c *connection) drain() {
	if c.sink != nil {
		c.sink.drained.Store(true)
	}
	c.session.Tell(messages.Drained{From: "connection"})
}

func (c *connection) info() any {
	f := messages.ConnectionInfo{
		Connection: c.connect.Connection, Version: c.Version.String(),
		Live: c.live != nil, Outgoing: len(c.outgoing),
	}
	if f.Live {
		f.Info = c.live.Info()
		f.Version = f.Info.Version.String()
	}
	return f
}
