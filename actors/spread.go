package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/actors/routing"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// spread is the part of a router for several session slots. The router then has the filters
// that the registry gives to its slot. It holds back messages of a filter that another slot
// still has, and writes what the broker has answered into the slot's status.
type spread struct {
	*env
	spreadRefs
	*placement.Slot
	routes *routing.Table
	table  *applier
	life   *incarnation // the router's
	departures
	markers    markers
	unanswered placement.Unanswered
	held       int // how many filters are
	// undoing: what is held goes back to the MQTT broker.
	undoing bool
	found   []*placement.Filter
	leader  leader
}

// spreadRefs are the actors that it sends to.
type spreadRefs struct {
	commands Ref[messages.ToCommands]
	session  Ref[messages.ToSession]
}

func newSpread(d *env, to spreadRefs, routes *routing.Table, table *applier, life *incarnation) *spread {
	s := &spread{env: d, spreadRefs: to, routes: routes, table: table, life: life, departures: newDepartures(), markers: newMarkers()}
	routes.Here = s.here
	d.mirror.read(func(v *placement.View) {
		s.Slot = placement.NewSlot(d.Slot, v)
		s.leader = newLeader(d.Layout, placement.NewCommands(v))
	})
	return s
}

// start takes up the filters that the registry gives to the slot.
func (s *spread) start(ctx actor.Context) {
	if s.Options.Slot == 0 {
		s.table.keep("", s.configuredNow(messages.Rules{}))
	}
	s.viewed(ctx, placement.Changed{Layout: true})
	var refused []messages.FilterRefusal
	s.mirror.read(func(v *placement.View) { refused = v.Refusals(s.Options.Slot) })
	s.session.Tell(messages.StartSession{Refused: refused})
}

// receive handles the router's messages that matter with several slots only.
func (s *spread) receive(ctx actor.Context, message any) {
	switch m := message.(type) {
	case viewChanged:
		s.viewed(ctx, m.Changed)
	case messages.Kept:
		s.kept(m)
	case messages.FilterGone:
		s.filterGone(ctx, m.Filters)
	case *leaveDue:
		s.leaveDue(ctx, m)
	case *handOverDue:
		s.handOverDue(ctx, m)
	case messages.Marked:
		s.markerCame(m)
	case messages.Unmarked:
		s.markersRefused(m.Reason)
	case *markerDue:
		s.markerDue()
	case messages.HandedOver:
		s.handedOver(ctx, m.ID)
	case messages.Undo:
		s.undoAll()
	}
}

// viewed makes the slot follow a change of the view.
func (s *spread) viewed(ctx actor.Context, c placement.Changed) {
	s.carryOut(ctx, func() placement.Effects { return s.Changed(c) })
	if s.Options.Slot == 0 {
		s.lead(c)
	}
	var number uint64
	var idle bool
	s.mirror.read(func(v *placement.View) { number, idle = v.Number(), s.Idle() })
	s.health.progress(number, s.unanswered.Done(number), len(s.leaving)+s.held, idle)
}

// carryOut carries out the effects of a decision of the slot.
func (s *spread) carryOut(ctx actor.Context, decide func() placement.Effects) {
	var e placement.Effects
	s.mirror.read(func(*placement.View) { e = decide() })
	for _, i := range e.Sync {
		s.sync(ctx, i)
	}
	for _, wire := range e.Hold {
		s.hold(wire)
	}
	for _, wire := range e.Release {
		s.release(wire)
	}
	for _, wire := range e.Leave {
		s.leaveFilter(wire)
	}
	for _, i := range e.End {
		s.ends[i] = s.mark()
	}
	if len(e.End) > 0 {
		s.markersPassed() // there may be none
	}
	s.table.keep("", e.Write)
}

// sync makes the members of a filter, or one of them, equal to the registry.
func (s *spread) sync(ctx actor.Context, i placement.Item) {
	members, recipients, asked, asks := s.registered(i)
	s.stay(i.Wire)
	filter := topic.Unshared(i.Wire)
	if to, ok := s.routes.Get(filter); ok {
		to.Leaving = nil
		gone := to.Missing(i, members)
		if to.Wire != i.Wire { // it was shared, or was not
			gone = to.Targets()
		}
		s.table.change(ctx, func(e *routing.Effects) { s.routes.Unsubscribe(e, filter, gone) })
	}
	s.routes.Unasked = !asks
	for _, m := range members {
		c := messages.SubscribeCommand{Filter: filter, Targets: []messages.Target{m.Target}, Options: m.Options}
		s.table.change(ctx, func(e *routing.Effects) { s.routes.Subscribe(e, c, time.Now()) })
	}
	s.routes.Unasked = false
	to, ok := s.routes.Wired(i.Wire)
	if !ok {
		s.unanswered.Remove(i.Wire)
		return
	}
	again := asked > to.Number && to.Replies.Refused(to.Desired.Serial)
	to.Number = max(to.Number, asked)
	if asks && (to.Unasked || again) {
		to.Unasked = false
		s.table.change(ctx, func(e *routing.Effects) { s.routes.AskAgain(e, to) })
	}
	s.sendRetained(ctx, to, recipients)
	s.report(ctx, to)
}

// registered returns what the registry says about a filter, or about one target of it.
func (s *spread) registered(i placement.Item) (members []messages.Member, recipients []messages.Recipient, asked uint64, asks bool) {
	s.mirror.read(func(v *placement.View) {
		if i.Whole() {
			members = s.Members(i.Wire)
		} else if o, ok := s.Member(i); ok {
			members = []messages.Member{{Target: i.Target, Options: o}}
		}
		recipients, asked, asks = v.Recipients(i.Wire), v.Asked(i.Wire), s.Asks(i.Wire)
	})
	return members, recipients, asked, asks
}

// sendRetained sends the retained messages to the recipients that have not got them.
func (s *spread) sendRetained(ctx actor.Context, to *routing.Route, recipients []messages.Recipient) {
	sendRetaineded := to.Greeted
	for _, n := range recipients {
		if n.Number <= sendRetaineded || !to.Has(n.Target) {
			continue
		}
		to.Greeted = max(to.Greeted, n.Number)
		c := messages.SubscribeCommand{
			Filter: to.Filter, Targets: []messages.Target{n.Target}, Options: to.Options(n.Target), Replay: true, Recipient: n.Channel,
		}
		s.table.change(ctx, func(e *routing.Effects) { s.routes.SendRetained(e, to, c) })
	}
}

// report writes the broker's answer into the status, once it answers all that was asked.
func (s *spread) report(ctx actor.Context, to *routing.Route) {
	if to.Unasked {
		return
	}
	v := to.Replies.Last
	if v.Serial < to.Desired.Serial {
		s.unanswered.Add(to.Wire, to.Number)
		return
	}
	s.unanswered.Remove(to.Wire)
	st := messages.FilterStatus{Filter: to.Wire, Number: to.Number, Granted: v.Failure == nil, QoS: v.QoS}
	if v.Failure != nil {
		st.Refusal, st.Reason = messages.FilterRefusal{Filter: to.Wire, Kind: v.Kind, Code: v.Code}, v.Failure.Reason
	}
	s.carryOut(ctx, func() placement.Effects { return s.Answered(st) })
}
