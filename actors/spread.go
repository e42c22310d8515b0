package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/actors/routing"
	"chanmqttproxy/messages"
)

// spread is the part of a router for several session slots. The router then has the filters
// that the registry gives to its slot. It holds back messages of a filter that another slot
// still has, and writes what the broker has answered into the slot's status.
type spread struct {
	*env
	spreadRefs
	*placement.Slot
	routes      *routing.Table
	table       *applier
	incarnation *incarnation // the router's
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

func newSpread(d *env, to spreadRefs, routes *routing.Table, table *applier, incarnation *incarnation) *spread {
	s := &spread{env: d, spreadRefs: to, routes: routes, table: table, incarnation: incarnation, departures: newDepartures(), markers: newMarkers()}
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
	s.session.Tell(messages.StartSession{Refusals: refused})
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
