package actors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// A session owns one live MQTT connection, and fails with it: when the attempt fails, the
// connection is lost, or an answer does not come. The next incarnation gets a new connection
// number.

// dialNow comes when the delay before the attempt is over.
type dialNow struct {
	stamp
	connection uint64
}

// dialed is the outcome of one Dial.
type dialed struct {
	task
	connection uint64
	session    Session
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
	answer messages.ToBroker
}

type session struct {
	*env
	incarnation
	broker  Ref[messages.ToBroker]
	router  Ref[messages.ToRouter] // for the sink
	connect messages.Connect
	owned   lifeline
	sink    *sink
	live    Session
	markers sessionMarkers

	outgoing   []messages.Publish
	publishing bool
}

func newSession(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &session{env: deps, broker: to.broker, router: to.router, markers: sessionMarkers{deps.health, to.router}}
	})
}

// Receive is the session's table.
func (s *session) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.broker.Tell(messages.SessionStarted{})
	case messages.Connect:
		s.prepare(m)
	case *dialNow:
		s.dial(m)
	case *dialed:
		s.dialed(m)
	case messages.Publish:
		s.enqueue(m)
	case *sentOut:
		s.sentOut(m)
	case messages.Subscribe:
		s.subscribe(m)
	case messages.Unsubscribe:
		s.unsubscribe(m)
	case messages.Mark:
		s.mark(m.Marker)
	case *answered:
		s.answered(m)
	case *lost:
		fail(m.err)
	case drop:
		fail(&messages.SessionFailure{Doing: "dropping the connection by hand", Err: injectedFailure{}, Cause: messages.Network})
	case messages.Drain:
		s.drain()
	case *actor.Stopping, *actor.Restarting:
		s.owned.close()
	default:
		s.unhandled(ctx)
	}
}

func (s *session) prepare(m messages.Connect) {
	s.connect = m
	s.observer.waits(s.paths.session, m.Pause, m.Attempt)
	s.after(m.Pause, &dialNow{connection: m.Connection})
}

func (s *session) dial(m *dialNow) {
	if m.connection != s.connect.Connection {
		return
	}
	s.sink = &sink{env: s.env, broker: s.broker, router: s.router, session: &s.incarnation}
	j, sink := &dialed{connection: m.connection}, s.sink
	j.work = func(ctx context.Context) (err error) {
		if j.session, err = s.MQTT.Dial(ctx, s.Version, sink); err == nil {
			s.owned.own(j.session)
		}
		return err
	}
	s.router.Tell(messages.Marked{}) // what comes from now on comes by another connection
	s.run("connecting to the MQTT broker", j)
}

func (s *session) dialed(m *dialed) {
	if m.connection != s.connect.Connection {
		return
	}
	if m.err != nil {
		fail(m.err)
	}
	s.live = m.session
	if s.Birth != nil {
		s.enqueue(messages.Publish{Message: s.Birth})
	}
	s.broker.Tell(messages.Connected{Connection: m.connection, Info: s.live.Info()})
}

// enqueue takes a publish. Without a connection it is dropped: the broker actor sends it again
// on the next one.
func (s *session) enqueue(m messages.Publish) {
	if s.live != nil {
		s.outgoing = append(s.outgoing, m)
		s.publish()
	}
}

// publish passes what waits to the connection, in order, one batch at a time.
func (s *session) publish() {
	if s.publishing || len(s.outgoing) == 0 {
		return
	}
	run, live, j := s.outgoing, s.live, &sentOut{}
	s.outgoing, s.publishing = nil, true
	j.work = func(ctx context.Context) error {
		for i, p := range run {
			p.More = i < len(run)-1
			s.tap.show(true, p.Message)
			s.step(p.Message, s.paths.session, "publishing", "handed to the connection")
			err := s.protect("publishing", func() error { return live.Publish(ctx, p) })
			if errors.As(err, new(panicked)) {
				s.broker.Tell(messages.Published{Receipt: p.Receipt, Code: messages.ReasonImplementation, Reason: "a bug in the worker"})
				continue
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	s.run("publishing", j)
}

func (s *session) sentOut(m *sentOut) {
	if m.err != nil {
		s.loseSoon("publishing", m.err)
		return
	}
	s.publishing = false
	s.publish()
}

func (s *session) subscribe(m messages.Subscribe) {
	s.query(fmt.Sprintf("subscribing to %d filters", len(m.Filters)), func(ctx context.Context, live Session) (messages.ToBroker, error) {
		codes, err := live.Subscribe(ctx, m.Filters)
		if errors.Is(err, context.DeadlineExceeded) {
			return messages.NoAnswer{ID: m.ID}, nil
		}
		return messages.Subscribed{ID: m.ID, Filters: m.Filters, Codes: codes}, err
	})
}

func (s *session) unsubscribe(m messages.Unsubscribe) {
	s.query(fmt.Sprintf("unsubscribing from %d filters", len(m.Filters)), func(ctx context.Context, live Session) (messages.ToBroker, error) {
		err := s.markers.subscribeFirst(ctx, live, m.Filters)
		if err == nil {
			err = live.Unsubscribe(ctx, m.Filters)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return messages.NoAnswer{}, nil
		}
		return messages.Unsubscribed(m), err
	})
}

func (s *session) mark(marker string) {
	s.query("marking what waits at the broker", func(ctx context.Context, live Session) (messages.ToBroker, error) {
		return nil, s.markers.publish(ctx, live, marker)
	})
}

// query sends a request to the broker and waits for the answer. A failed one is a lost connection.
func (s *session) query(doing string, request func(context.Context, Session) (messages.ToBroker, error)) {
	if s.live == nil {
		return
	}
	live, j := s.live, &answered{doing: doing}
	j.work = func(ctx context.Context) (err error) {
		j.answer, err = request(ctx, live)
		return err
	}
	s.run(doing, j)
}

func (s *session) answered(m *answered) {
	if m.err != nil {
		s.loseSoon(m.doing, m.err)
		return
	}
	if m.answer != nil {
		s.broker.Tell(m.answer)
	}
}

// loseSoon fails with err in a moment, unless the connection itself reports before then why it
// is lost.
func (s *session) loseSoon(doing string, err error) {
	s.after(time.Second, &lost{err: &messages.SessionFailure{Doing: doing, Err: err}})
}

// drain stops to pass on messages.
func (s *session) drain() {
	if s.sink != nil {
		s.sink.drained.Store(true)
	}
	s.broker.Tell(messages.Drained{From: "session"})
}

func (s *session) facts() any {
	f := messages.SessionFacts{
		Connection: s.connect.Connection, Version: s.Version.String(),
		Live: s.live != nil, Outgoing: len(s.outgoing),
	}
	if f.Live {
		f.Info = s.live.Info()
		f.Version = f.Info.Version.String()
	}
	return f
}
