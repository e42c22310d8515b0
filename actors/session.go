package actors

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// A session owns exactly one live MQTT connection and dies with it: of a failed
// attempt, of a loss, of an answer that does not come. The incarnation that
// follows gets a new connection number; what an earlier one still has to say is
// recognised by that and dropped.

// dialNow comes when the delay before the attempt is over.
type dialNow struct{ connection uint64 }

// dialed is the outcome of one Dial.
type dialed struct {
	connection uint64
	session    Session
	err        error
}

// lost says that the connection failed.
type lost struct {
	connection uint64
	err        error
}

// sentOut says that a run of publishes was handed to the connection.
type sentOut struct{ connection uint64 }

// answered carries the broker's answer to SUBSCRIBE or UNSUBSCRIBE.
type answered struct {
	connection uint64
	answer     messages.ToBroker
}

type session struct {
	*dependencies
	connect messages.Connect
	life    *lifeline
	timer   *time.Timer
	sink    *sink
	live    Session

	outgoing   []messages.Publish
	publishing bool
}

func newSession(deps *dependencies) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &session{dependencies: deps, life: newLifeline()}
	})
}

// Receive is the session's table.
func (s *session) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.broker.Tell(messages.SessionStarted{})
	case messages.Connect:
		s.prepare(ctx, m)
	case dialNow:
		s.dial(ctx, m)
	case dialed:
		s.dialed(ctx, m)
	case messages.Publish:
		s.enqueue(ctx, m)
	case sentOut:
		if m.connection == s.connect.Connection {
			s.publishing = false
			s.publish(ctx)
		}
	case messages.Subscribe:
		s.subscribe(ctx, m)
	case messages.Unsubscribe:
		s.unsubscribe(ctx, m)
	case answered:
		if m.connection == s.connect.Connection {
			s.broker.Tell(m.answer)
		}
	case lost:
		if m.connection == s.connect.Connection {
			fail(m.err)
		}
	case drop:
		fail(&messages.SessionFailure{Doing: "dropping the connection by hand", Err: byHand{}, Cause: messages.Network})
	case messages.Quiesce:
		s.quiesce()
	case *actor.Stopping, *actor.Restarting:
		s.stop()
	default:
		s.strange(ctx)
	}
}

func (s *session) prepare(ctx actor.Context, m messages.Connect) {
	s.connect = m
	s.observer.waits(s.paths.session, m.Pause, m.Attempt)
	s.timer = s.after(m.Pause, ctx.Self(), dialNow{m.Connection})
}

func (s *session) dial(ctx actor.Context, m dialNow) {
	if m.connection != s.connect.Connection {
		return
	}
	connect, life := s.connect, s.life
	s.sink = &sink{dependencies: s.dependencies, self: ctx.Self(), connection: connect.Connection}
	sink := s.sink
	go func() {
		var made Session
		err := s.protect("connecting to the MQTT broker", func() (err error) {
			made, err = s.MQTT.Dial(life.ctx, s.Version, sink)
			return err
		})
		if err == nil && !life.adopt(made) {
			return
		}
		s.system.Root.Send(sink.self, dialed{connect.Connection, made, err})
	}()
}

func (s *session) dialed(ctx actor.Context, m dialed) {
	if m.connection != s.connect.Connection {
		return
	}
	if m.err != nil {
		fail(m.err)
	}
	s.live = m.session
	if s.Birth != nil {
		s.enqueue(ctx, messages.Publish{Message: s.Birth})
	}
	s.broker.Tell(messages.Connected{Connection: m.connection, Info: s.live.Info()})
}

// enqueue takes a publish. One that was meant for a connection that is lost
// comes again with all that have not taken effect.
func (s *session) enqueue(ctx actor.Context, m messages.Publish) {
	if s.live != nil {
		s.outgoing = append(s.outgoing, m)
		s.publish(ctx)
	}
}

// publish hands what waits to the connection, one run at a time and in order.
func (s *session) publish(ctx actor.Context) {
	if s.publishing || len(s.outgoing) == 0 {
		return
	}
	run := s.outgoing
	s.outgoing, s.publishing = nil, true
	live, life, self, connection := s.live, s.life, ctx.Self(), s.connect.Connection
	s.dispatcher.Schedule(func() {
		for i, p := range run {
			p.More = i < len(run)-1
			s.tap.show(true, p.Message)
			s.step(p.Message, s.paths.session, "publishing", "handed to the connection")
			err := s.protect("publishing", func() error { return live.Publish(life.ctx, p) })
			if errors.As(err, new(panicked)) {
				s.broker.Tell(messages.Published{Receipt: p.Receipt, Code: 0x83, Reason: "a bug in the worker"})
				continue
			}
			if err != nil {
				s.loseSoon(self, connection, "publishing", err)
				return
			}
		}
		s.system.Root.Send(self, sentOut{connection})
	})
}

func (s *session) subscribe(ctx actor.Context, m messages.Subscribe) {
	s.ask(ctx, fmt.Sprintf("subscribing to %d filters", len(m.Filters)), func(ctx context.Context, live Session) (messages.ToBroker, error) {
		codes, err := live.Subscribe(ctx, m.Filters)
		if errors.Is(err, context.DeadlineExceeded) {
			return messages.NoAnswer{ID: m.ID}, nil
		}
		return messages.Subscribed{ID: m.ID, Filters: m.Filters, Codes: codes}, err
	})
}

func (s *session) unsubscribe(ctx actor.Context, m messages.Unsubscribe) {
	s.ask(ctx, fmt.Sprintf("unsubscribing from %d filters", len(m.Filters)), func(ctx context.Context, live Session) (messages.ToBroker, error) {
		err := live.Unsubscribe(ctx, m.Filters)
		if errors.Is(err, context.DeadlineExceeded) {
			return messages.NoAnswer{}, nil
		}
		return messages.Unsubscribed(m), err
	})
}

// ask puts a question to the broker. One that fails is a lost connection.
func (s *session) ask(ctx actor.Context, doing string, question func(context.Context, Session) (messages.ToBroker, error)) {
	if s.live == nil {
		return
	}
	live, life, self, connection := s.live, s.life, ctx.Self(), s.connect.Connection
	go func() {
		var answer messages.ToBroker
		err := s.protect(doing, func() (err error) {
			answer, err = question(life.ctx, live)
			return err
		})
		if err != nil {
			s.loseSoon(self, connection, doing, err)
			return
		}
		s.system.Root.Send(self, answered{connection, answer})
	}()
}

// loseSoon gives a connection up on which something failed, unless within a
// moment the connection itself tells why it is lost.
func (s *session) loseSoon(self *actor.PID, connection uint64, doing string, err error) {
	s.after(time.Second, self, lost{connection, &messages.SessionFailure{Doing: doing, Err: err}})
}

// quiesce holds back what comes from now on.
func (s *session) quiesce() {
	if s.sink != nil {
		s.sink.quiet.Store(true)
	}
	s.broker.Tell(messages.Quiet{From: "session"})
}

func (s *session) stop() {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.life.end()
}

// lifeline ties what an incarnation's goroutines make to the incarnation: a
// connection that is made too late is closed.
type lifeline struct {
	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	made   Session
}

func newLifeline() *lifeline {
	ctx, cancel := context.WithCancel(context.Background())
	return &lifeline{ctx: ctx, cancel: cancel}
}

// adopt takes a new connection over, or closes it if the incarnation is gone.
func (l *lifeline) adopt(made Session) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		made.Close()
		return false
	}
	l.made = made
	return true
}

// end closes the connection and cancels what is being done with it.
func (l *lifeline) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made != nil {
		l.made.Close()
	}
	l.cancel()
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
