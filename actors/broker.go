package actors

import (
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/reconnect"
	"chanmqttproxy/messages"
)

// The broker actor keeps what outlives a connection: how many attempts failed,
// which filters are wanted, and the publishes that have not taken effect. It supervises the
// session and gives each of its incarnations what it needs.

// replayDue comes when a filter's retained values may be asked for again.
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
	to       *refs // for the session

	*link
	stopping  bool
	standing  standing
	changes   changes
	publishes publishes
	accounts  accounts
	draining  bool // the session is to pass on no more deliveries
	quiescing bool // it does not
}

func newBroker(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		link := &link{}
		return &broker{
			env: deps, bridge: to.bridge, router: to.router, requests: to.requests, reader: to.reader, to: to,
			link: link, standing: newStanding(deps, to),
			changes: newChanges(deps, to), publishes: newPublishes(deps, to, link), accounts: newAccounts(deps),
		}
	})
}

// Receive is the broker actor's table.
func (b *broker) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Begin:
		b.begin(ctx, m)
	case messages.SessionStarted:
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
		b.standing.tell(m.Receipt)
	case messages.Want, messages.Unwant, messages.Leave, messages.Subscribed, messages.Unsubscribed, messages.NoAnswer, *replayDue, *changeDue:
		b.filters(m)
	case messages.Mark:
		b.tell(m)
	case messages.Welcomed:
		b.changes.welcomed(m.Filter, m.Serial)
	case *trialDue:
		b.publishes.try(m)
	case messages.Quiesce:
		b.draining = true
		b.tell(m)
	case messages.Quiet:
		b.quiescing = true
		b.router.Tell(messages.Undo{})
		b.tellQuiet()
	case *actor.Stopping:
		b.stopping = true
	default:
		b.strange(ctx)
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

// HandleFailure restarts the session, whatever it died of: of the end of a connection,
// of an attempt that failed, of a server that is to be tried with another version. A bug
// in the session costs its connection as well. How long the new incarnation waits before
// its attempt is decided here.
func (b *broker) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	var f *messages.SessionFailure
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
		f = &messages.SessionFailure{Doing: "keeping the session", Err: fmt.Errorf("a bug in the worker: %v", reason)}
	}
	if explained {
		b.standing.searching(f)
	} else {
		b.standing.away(f, b.attempts.Failed(), b.attempts.Brief())
	}
	s.RestartChildren(child)
}

// tryVersion has the next attempt follow at once: the server speaks another version, as it
// seems. It does not count as a failed one.
func (b *broker) tryVersion(f *messages.SessionFailure) {
	b.Log.Info("the MQTT broker seems not to speak this MQTT version; trying another", "version", f.Next.String(), "error", f)
	b.connection++
	b.attempts.Again()
}

// begin brings the session up, once the subscriptions are known: what the MQTT
// broker has kept for us finds its way then.
func (b *broker) begin(ctx actor.Context, m messages.Begin) {
	for _, filter := range m.Leaving {
		b.changes.leave(filter)
	}
	b.changes.recalled(m.Refused)
	b.change()
	if b.session.pid == nil {
		b.session = refOf[messages.ToSession](b.system, spawn(ctx, "session", newSession(b.env, b.to)))
	}
}

func (b *broker) connect() {
	b.connection++
	pause := b.attempts.Begin(b.Backoff, time.Now())
	b.session.Tell(messages.Connect{Connection: b.connection, Attempt: b.attempts.Failed(), Pause: pause})
}

func (b *broker) connected(m messages.Connected) {
	if m.Connection != b.connection {
		return
	}
	b.attempts.Connected(time.Now())
	b.Stats.Connects.Add(1)
	b.observer.note(b.paths.session, "connected", connection(m.Info))
	b.Log.Info("connected to the MQTT broker", "broker", m.Info.Broker, "version", m.Info.Version.String(),
		"session_present", m.Info.Present, "filters", b.changes.len(), "publishes_waiting", b.publishes.outbox.Len())
	b.bridge.Tell(messages.SessionState{Up: true})
	b.router.Tell(m)
	b.requests.Tell(m)
	b.standing.up(m.Info)
	if b.draining {
		b.tell(messages.Quiesce{})
	}
	b.changes.connected(m.Info)
	b.publishes.connected()
	b.change()
	if b.publishes.outbox.Suspects() {
		b.after(reconnect.Stable, &trialDue{connection: b.connection})
	}
}

// down counts the loss, and forgets what was true of the connection.
func (b *broker) down(l reconnect.Loss) {
	up, lived := b.attempts.Up(), b.attempts.Lived(time.Now())
	early := b.attempts.Lost(l, time.Now())
	b.publishes.lost(early || up && !l.Explained && b.publishes.outbox.Tried())
	if up {
		b.observer.note(b.paths.session, "lost", "the connection has lived for "+lived.Round(time.Second).String())
		b.bridge.Tell(messages.SessionState{Up: false})
	}
	for _, filter := range b.changes.lost() {
		b.router.Tell(messages.Interrupted{Filter: filter})
	}
	b.changes.unsubscribing = false
	b.changes.noted()
	b.connection++ // what the lost one still says is not believed
}

// filters takes in what is wanted of filters, and what the MQTT broker says of them.
func (b *broker) filters(message any) {
	switch m := message.(type) {
	case messages.Want:
		if pause := b.changes.want(m); pause > 0 { // it was asked for retained values only just now
			b.after(pause, &replayDue{filter: m.Filter})
		}
	case *replayDue:
		b.changes.due(m.filter)
	case messages.Leave:
		b.changes.leave(m.Filter)
	case messages.Unwant:
		b.changes.unwant(m.Filter)
	case messages.Subscribed:
		if !b.attempts.Up() {
			return // retained values may not have followed it: all is asked for again
		}
		b.changes.subscribed(m)
	case messages.Unsubscribed:
		b.changes.unsubscribed(m)
	case messages.NoAnswer:
		b.changes.unanswered(m)
	}
	b.change()
}

// change makes the next changes of filters. Publishes wait while that may cost the
// connection.
func (b *broker) change() {
	b.changes.next(&b.incarnation, b.attempts.Up(), b.session.Tell)
	if b.attempts.Up() {
		b.publishes.watch(b.changes.plan.Wary())
	}
}

// settled takes parts of deliveries back, and has those acknowledged that are
// whole.
func (b *broker) settled(m messages.Settled) {
	if whole := b.accounts.credit(m.Parts); len(whole) > 0 {
		b.MQTT.Ack(whole...)
	}
	b.tellQuiet()
}

// tellQuiet answers Quiesce when every delivery is settled.
func (b *broker) tellQuiet() {
	if b.quiescing && b.flow.underWay() == 0 {
		b.bridge.Tell(messages.Quiet{From: brokerName})
	}
}

func (b *broker) facts() any {
	return messages.BrokerFacts{
		State: b.standing.state, Attempts: b.attempts.Failed(), Outbox: b.publishes.outbox.Len(),
		Filters: b.changes.len(), Changes: len(b.changes.changes),
		UnderWay: b.flow.underWay(),
	}
}
