package actors

import (
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/reconnect"
	"chanmqttproxy/messages"
)

// The broker actor keeps what outlives a connection: the failed attempts, the filters that
// are wanted, and the publishes that have not taken effect. It supervises the connection and
// gives each of its incarnations what it needs.

// replayDue comes when the retained messages of a filter may be asked for again.
type replayDue struct {
	stamp
	filter string
}

type broker struct {
	*env
	incarnation
	bridge   Ref[messages.ToBridge]
	router   Ref[messages.ToRouter]
	requests Ref[messages.ToRequests]
	reader   Ref[messages.ToReader]
	to       *refs // for the connection

	*link
	stopping  bool
	connState connState
	changes   changes
	publishes publishes
	accounts  accounts
	draining  bool // the connection must pass on no more deliveries
	drained   bool // it passes on no more
}

func newBroker(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		link := &link{}
		return &broker{
			env: deps, bridge: to.bridge, router: to.router, requests: to.requests, reader: to.reader, to: to,
			link: link, connState: newConnState(deps, to),
			changes: newChanges(deps, to), publishes: newPublishes(deps, to, link), accounts: newAccounts(deps),
		}
	})
}

// Receive is the broker actor's table.
func (b *broker) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.StartSession:
		b.startSession(ctx, m)
	case messages.ConnectionStarted:
		b.connect()
	case messages.Connected:
		b.connected(m)
	case messages.Settled:
		b.settled(m)
	case messages.Publish:
		b.publishes.add(m)
	case messages.Published:
		b.publishes.settled(m)
	case messages.Withdraw:
		b.publishes.withdraw(m.Receipt)
	case messages.Status:
		b.connState.answer(m.Receipt)
	case messages.Desired, messages.Undesired, messages.Leave, messages.Subscribed, messages.Unsubscribed, messages.NoAnswer, *replayDue, *changeDue:
		b.filters(m)
	case messages.Mark:
		b.toConnection(m)
	case messages.RetainedComplete:
		b.changes.retainedComplete(m.Filter, m.Serial)
	case *trialDue:
		b.publishes.try(m)
	case messages.Drain:
		b.draining = true
		b.toConnection(m)
	case messages.Drained:
		b.drained = true
		b.router.Tell(messages.Undo{})
		b.reportDrained()
	case *actor.Stopping:
		b.stopping = true
	default:
		b.unhandled(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (b *broker) release(message any) {
	switch m := message.(type) {
	case messages.Publish:
		failCommand(b.reader, m.Receipt)
	case messages.Published:
		failCommand(b.reader, m.Receipt)
	case messages.Status:
		failCommand(b.reader, m.Receipt)
	}
}

// HandleFailure restarts the connection after any failure: a lost connection, a failed attempt,
// a server that needs another version, or a bug. It
// decides how long the new incarnation waits before its attempt.
func (b *broker) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	var f *messages.ConnectionFailure
	known := false
	if failed, ok := reason.(failure); ok {
		known = errors.As(failed.err, &f)
	}
	if known && f.Next != 0 && !b.stopping {
		b.tryVersion(f)
		s.RestartChildren(child)
		return
	}
	takenOver := known && f.Cause == messages.TakenOver
	explained := b.changes.plan.Lost(known && f.Closed && !takenOver && b.attempts.Up(), time.Now())
	b.down(reconnect.Loss{TakenOver: takenOver, Explained: explained})
	if b.stopping {
		s.StopChildren(child)
		return
	}
	if !known {
		f = &messages.ConnectionFailure{Doing: "keeping the connection", Err: fmt.Errorf("a bug in the worker: %v", reason)}
	}
	if explained {
		b.connState.searching(f)
	} else {
		b.connState.lost(f, b.attempts.Failed(), b.attempts.Brief())
	}
	s.RestartChildren(child)
}

// tryVersion lets the next attempt follow at once, with another version. The attempt does
// not count as failed.
func (b *broker) tryVersion(f *messages.ConnectionFailure) {
	b.Log.Info("the MQTT broker seems not to speak this MQTT version; trying another", "version", f.Next.String(), "error", f)
	b.connectionNumber++
	b.attempts.Again()
}

// startSession starts the connection. The subscriptions are known now, so what the MQTT broker
// has queued finds its targets.
func (b *broker) startSession(ctx actor.Context, m messages.StartSession) {
	for _, filter := range m.Leaving {
		b.changes.leave(filter)
	}
	b.changes.recalled(m.Refused)
	b.change()
	if b.connection.pid == nil {
		b.connection = refOf[messages.ToConnection](b.system, spawn(ctx, "connection", newConnection(b.env, b.to)))
	}
}

func (b *broker) connect() {
	b.connectionNumber++
	pause := b.attempts.Begin(b.Backoff, time.Now())
	b.connection.Tell(messages.Connect{Connection: b.connectionNumber, Attempt: b.attempts.Failed(), Pause: pause})
}

func (b *broker) connected(m messages.Connected) {
	if m.Connection != b.connectionNumber {
		return
	}
	b.attempts.Connected(time.Now())
	b.Stats.Connects.Add(1)
	b.observer.note(b.paths.connection, "connected", describe(m.Info))
	b.Log.Info("connected to the MQTT broker", "broker", m.Info.Broker, "version", m.Info.Version.String(),
		"session_present", m.Info.Present, "filters", b.changes.len(), "publishes_waiting", b.publishes.outbox.Len())
	b.bridge.Tell(messages.ConnectionState{Up: true})
	b.router.Tell(m)
	b.requests.Tell(m)
	b.connState.up(m.Info)
	if b.draining {
		b.toConnection(messages.Drain{})
	}
	b.changes.connected(m.Info)
	b.publishes.connected()
	b.change()
	if b.publishes.outbox.HasCandidate() {
		b.after(reconnect.Stable, &trialDue{connection: b.connectionNumber})
	}
}

// down counts the loss, and forgets the state of the connection.
func (b *broker) down(l reconnect.Loss) {
	up, lived := b.attempts.Up(), b.attempts.Lived(time.Now())
	early := b.attempts.Lost(l, time.Now())
	b.publishes.lost(early || up && !l.Explained && b.publishes.outbox.Tried())
	if up {
		b.observer.note(b.paths.connection, "lost", "the connection has lived for "+lived.Round(time.Second).String())
		b.bridge.Tell(messages.ConnectionState{Up: false})
	}
	for _, filter := range b.changes.lost() {
		b.router.Tell(messages.Interrupted{Filter: filter})
	}
	b.changes.unsubscribing = false
	b.changes.updateHealth()
	b.connectionNumber++ // what comes late of the lost one is ignored
}

// filters handles what is wanted of filters, and the MQTT broker's answers about them.
func (b *broker) filters(message any) {
	switch m := message.(type) {
	case messages.Desired:
		if pause := b.changes.desired(m); pause > 0 { // its retained messages have just been asked for
			b.after(pause, &replayDue{filter: m.Filter})
		}
	case *replayDue:
		b.changes.due(m.filter)
	case messages.Leave:
		b.changes.leave(m.Filter)
	case messages.Undesired:
		b.changes.undesired(m.Filter)
	case messages.Subscribed:
		if !b.attempts.Up() {
			return // its retained messages may be lost: all filters are asked for again
		}
		b.changes.subscribed(m)
	case messages.Unsubscribed:
		b.changes.unsubscribed(m)
	case messages.NoAnswer:
		b.changes.unanswered(m)
	}
	b.change()
}

// change sends the next changes of filters. Publishes wait while these may cost the
// connection.
func (b *broker) change() {
	b.changes.next(&b.incarnation, b.attempts.Up(), b.connection.Tell)
	if b.attempts.Up() {
		b.publishes.watch(b.changes.plan.Wary())
	}
}

// settled takes parts of deliveries back, and acknowledges the deliveries that are whole.
func (b *broker) settled(m messages.Settled) {
	if whole := b.accounts.credit(m.Parts); len(whole) > 0 {
		b.MQTT.Ack(whole...)
	}
	b.reportDrained()
}

// reportDrained answers Drain when every delivery is settled.
func (b *broker) reportDrained() {
	if b.drained && b.flow.underWay() == 0 {
		b.bridge.Tell(messages.Drained{From: brokerName})
	}
}

func (b *broker) facts() any {
	return messages.BrokerFacts{
		State: b.connState.state, Attempts: b.attempts.Failed(), Outbox: b.publishes.outbox.Len(),
		Filters: b.changes.len(), Changes: len(b.changes.changes),
		UnderWay: b.flow.underWay(),
	}
}
