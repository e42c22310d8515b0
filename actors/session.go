package actors

import (
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/reconnect"
	"chanmqttproxy/messages"
)

// The session keeps what outlives a connection: the failed attempts, the filters that
// are wanted, and the publishes that have not taken effect. It supervises the connection and
// gives each of its incarnations what it needs.

// retainedDue comes when the retained messages of a filter may be asked for again.
type retainedDue struct {
	stamp
	filter string
}

type session struct {
	*env
	incarnation
	bridge   Ref[messages.ToBridge]
	router   Ref[messages.ToRouter]
	requests Ref[messages.ToRequests]
	commands Ref[messages.ToCommands]
	to       *refs // for the connection

	*link
	stopping  bool
	connState connState
	changes   changes
	publishes publishes
	ledger    ledger
	draining  bool // the connection must pass on no more deliveries
	drained   bool // it passes on no more
}

func newSession(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		link := &link{}
		return &session{
			env: deps, bridge: to.bridge, router: to.router, requests: to.requests, commands: to.commands, to: to,
			link: link, connState: newConnState(deps, to),
			changes: newChanges(deps, to), publishes: newPublishes(deps, to, link), ledger: newLedger(deps),
		}
	})
}

// Receive is the session's table.
func (s *session) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.StartSession:
		s.startConnection(ctx, m)
	case messages.ConnectionStarted:
		s.connect()
	case messages.Connected:
		s.connected(m)
	case messages.Settled:
		s.settled(m)
	case messages.Publish:
		s.publishes.add(m)
	case messages.Published:
		s.publishes.settled(m)
	case messages.Withdraw:
		s.publishes.withdraw(m.Receipt)
	case messages.Status:
		s.connState.answer(m.Receipt)
	case messages.Desired, messages.Undesired, messages.Leave, messages.Subscribed, messages.Unsubscribed, messages.NoAnswer, *retainedDue, *changeDue:
		s.filters(m)
	case messages.Mark:
		s.toConnection(m)
	case messages.RetainedComplete:
		s.changes.retainedComplete(m.Filter, m.Revision)
	case *trialDue:
		s.publishes.try(m)
	case messages.Drain:
		s.draining = true
		s.toConnection(m)
	case messages.Drained:
		s.drained = true
		s.router.Tell(messages.Undo{})
		s.reportDrained()
	case *actor.Stopping:
		s.stopping = true
	default:
		s.unhandled(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (s *session) release(message any) {
	switch m := message.(type) {
	case messages.Publish:
		failCommand(s.commands, m.Receipt)
	case messages.Published:
		failCommand(s.commands, m.Receipt)
	case messages.Status:
		failCommand(s.commands, m.Receipt)
	}
}

// HandleFailure restarts the connection after any failure: a lost connection, a failed attempt,
// a server that needs another version, or a bug. It
// decides how long the new incarnation waits before its attempt.
func (s *session) HandleFailure(_ *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	var f *messages.ConnectionFailure
	known := false
	if failed, ok := reason.(failure); ok {
		known = errors.As(failed.err, &f)
	}
	if known && f.Next != 0 && !s.stopping {
		s.tryVersion(f)
		supervisor.RestartChildren(child)
		return
	}
	takenOver := known && f.Cause == messages.TakenOver
	explained := s.changes.plan.Lost(known && f.Closed && !takenOver && s.attempts.Up(), time.Now())
	s.down(reconnect.Loss{TakenOver: takenOver, Explained: explained})
	if s.stopping {
		supervisor.StopChildren(child)
		return
	}
	if !known {
		f = &messages.ConnectionFailure{Doing: "keeping the connection", Err: fmt.Errorf("a bug in the worker: %v", reason)}
	}
	if explained {
		s.connState.searching(f)
	} else {
		s.connState.lost(f, s.attempts.Failed(), s.attempts.Brief())
	}
	supervisor.RestartChildren(child)
}

// tryVersion lets the next attempt follow at once, with another version. The attempt does
// not count as failed.
func (s *session) tryVersion(f *messages.ConnectionFailure) {
	s.Log.Info("the MQTT broker seems not to speak this MQTT version; trying another", "version", f.Next.String(), "error", f)
	s.connectionNumber++
	s.attempts.Again()
}

// startConnection starts the connection. The subscriptions are known now, so what the MQTT broker
// has queued finds its targets.
func (s *session) startConnection(ctx actor.Context, m messages.StartSession) {
	for _, filter := range m.Leaving {
		s.changes.leave(filter)
	}
	s.changes.recalled(m.Refusals)
	s.change()
	if s.connection.pid == nil {
		s.connection = refOf[messages.ToConnection](s.system, spawn(ctx, "connection", newConnection(s.env, s.to)))
	}
}

func (s *session) connect() {
	s.connectionNumber++
	pause := s.attempts.Begin(s.Backoff, time.Now())
	s.connection.Tell(messages.Connect{Connection: s.connectionNumber, Attempt: s.attempts.Failed(), Pause: pause})
}

func (s *session) connected(m messages.Connected) {
	if m.Connection != s.connectionNumber {
		return
	}
	s.attempts.Connected(time.Now())
	s.Stats.Connects.Add(1)
	s.registry.note(s.paths.connection, "connected", describe(m.Info))
	s.Log.Info("connected to the MQTT broker", "broker", m.Info.Broker, "version", m.Info.Version.String(),
		"session_present", m.Info.Present, "filters", s.changes.len(), "publishes_waiting", s.publishes.outbox.Len())
	s.bridge.Tell(messages.ConnectionState{Up: true})
	s.router.Tell(m)
	s.requests.Tell(m)
	s.connState.up(m.Info)
	if s.draining {
		s.toConnection(messages.Drain{})
	}
	s.changes.connected(m.Info)
	s.publishes.connected()
	s.change()
	if s.publishes.outbox.HasCandidate() {
		s.after(reconnect.Stable, &trialDue{connection: s.connectionNumber})
	}
}

// down counts the loss, and forgets the state of the connection.
func (s *session) down(l reconnect.Loss) {
	up, lived := s.attempts.Up(), s.attempts.Lived(time.Now())
	early := s.attempts.Lost(l, time.Now())
	s.publishes.lost(early || up && !l.Explained && s.publishes.outbox.Tried())
	if up {
		s.registry.note(s.paths.connection, "lost", "the connection has lived for "+lived.Round(time.Second).String())
		s.bridge.Tell(messages.ConnectionState{Up: false})
	}
	for _, filter := range s.changes.lost() {
		s.router.Tell(messages.Interrupted{Filter: filter})
	}
	s.changes.unsubscribing = false
	s.changes.updateHealth()
	s.connectionNumber++ // what comes late of the lost one is ignored
}

// filters handles what is wanted of filters, and the MQTT broker's answers about them.
func (s *session) filters(message any) {
	switch m := message.(type) {
	case messages.Desired:
		if pause := s.changes.desired(m); pause > 0 { // its retained messages have just been asked for
			s.after(pause, &retainedDue{filter: m.Filter})
		}
	case *retainedDue:
		s.changes.due(m.filter)
	case messages.Leave:
		s.changes.leave(m.Filter)
	case messages.Undesired:
		s.changes.undesired(m.Filter)
	case messages.Subscribed:
		if !s.attempts.Up() {
			return // its retained messages may be lost: all filters are asked for again
		}
		s.changes.subscribed(m)
	case messages.Unsubscribed:
		s.changes.unsubscribed(m)
	case messages.NoAnswer:
		s.changes.unanswered(m)
	}
	s.change()
}

// change sends the next changes of filters. Publishes wait while these may cost the
// connection.
func (s *session) change() {
	s.changes.next(&s.incarnation, s.attempts.Up(), s.connection.Tell)
	if s.attempts.Up() {
		s.publishes.watch(s.changes.plan.Wary())
	}
}

// settled takes parts of deliveries back, and acknowledges the deliveries that are whole.
func (s *session) settled(m messages.Settled) {
	if whole := s.ledger.credit(m.Parts); len(whole) > 0 {
		s.MQTT.Ack(whole...)
	}
	s.reportDrained()
}

// reportDrained answers Drain when every delivery is settled.
func (s *session) reportDrained() {
	if s.drained && s.flow.underWay() == 0 {
		s.bridge.Tell(messages.Drained{From: sessionName})
	}
}

func (s *session) info() any {
	return messages.SessionInfo{
		State: s.connState.state, Attempts: s.attempts.Failed(), Outbox: s.publishes.outbox.Len(),
		Filters: s.changes.len(), Changes: len(s.changes.changes),
		UnderWay: s.flow.underWay(),
	}
}
