package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// spread is what a router does besides where there are several session slots: it has the
// filters that the registry gives to its slot, not those that commands name; it holds back
// what comes of one that another slot still has, and says what the broker has answered.
type spread struct {
	*env
	spreadRefs
	*placement.Slot
	*routes
	table table
	pairs *pairs
	departures
	unsaid placement.Unanswered
	first  map[string]uint64 // those of them with which the slot began
	held   int               // how many filters are
	// undoing: what is held goes back to the MQTT broker.
	undoing bool
	found   []*placement.Filter
	leader  leader
	// unasked: the routes that are made are of filters that the broker is not asked for.
	unasked bool
}

// spreadRefs are to whom it speaks, beside the broker.
type spreadRefs struct {
	groups Ref[messages.ToGroups]
	reader Ref[messages.ToReader]
}

// table is what a router can do with its routes.
type table interface {
	subscribe(actor.Context, messages.SubscribeCommand) []messages.Change
	unsubscribe(actor.Context, string, []messages.Target) []messages.Change
	ask(to *route, want messages.Want, replay bool)
	want(to *route, replay bool)
	welcome(*route, messages.SubscribeCommand)
	flush(to *route, left ...messages.Target)
	keep(messages.Receipt, []messages.Change)
	refuse(messages.Receipt, *messages.Failure)
	after(time.Duration, private) reminder
	// deniedFilter says why commands may not want a filter; nil: they may.
	deniedFilter(string) *messages.Failure
}

func newSpread(d *env, to spreadRefs, routes *routes, pairs *pairs, table table) *spread {
	s := &spread{env: d, spreadRefs: to, routes: routes, pairs: pairs, table: table, departures: newDepartures()}
	d.mirror.look(func(v *placement.View) {
		s.Slot = placement.NewSlot(d.Slot, v)
		s.leader = newLeader(d.Layout, placement.NewCommands(v))
	})
	return s
}

// begin begins with what the registry gives to the slot.
func (s *spread) begin(ctx actor.Context) {
	if s.Options.Slot == 0 {
		s.table.keep("", s.configuredNow(messages.Rules{}))
	}
	s.viewed(ctx, placement.Changed{Layout: true})
	var refused []messages.FilterRefusal
	s.mirror.look(func(v *placement.View) { refused = v.Refusals(s.Options.Slot) })
	s.broker.Tell(messages.Begin{Refused: refused})
}

// receive is what the router hears where there are several slots.
func (s *spread) receive(ctx actor.Context, message any) {
	switch m := message.(type) {
	case viewChanged:
		s.viewed(ctx, m.Changed)
	case messages.Kept:
		s.kept(m)
	case messages.FilterGone:
		s.filterGone(ctx, m.Filters)
	case *leaveDue:
		s.leaveDue(m)
	case *endDue:
		s.endDue(ctx, m)
	case messages.HandedOver:
		s.handedOver(ctx, m.ID)
	case messages.Undo:
		s.undoAll()
	}
}

// viewed has the slot follow what has changed in the view. The layout stays until it is said
// of all with which the slot began that the session has it: what no former owner has said of
// itself it does not deliver, and a slot that was the only one has said nothing.
func (s *spread) viewed(ctx actor.Context, c placement.Changed) {
	s.carryOut(ctx, func() placement.Effects { return s.Changed(c) })
	if s.first == nil {
		s.first = s.unsaid.Filters()
	}
	if s.Options.Slot == 0 {
		s.lead(c)
	}
	var number uint64
	var idle bool
	s.mirror.look(func(v *placement.View) { number, idle = v.Number(), s.Idle() })
	s.health.progress(number, s.unsaid.Done(number), len(s.leaving)+s.held, idle)
}

// carryOut does what the slot says.
func (s *spread) carryOut(ctx actor.Context, decide func() placement.Effects) {
	var e placement.Effects
	s.mirror.look(func(*placement.View) { e = decide() })
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
		s.table.after(placement.SureAfter, &endDue{Item: i})
	}
	s.table.keep("", e.Write)
}

// wired is the route of a filter as the broker knows it.
func (r *routes) wired(wire string) (*route, bool) {
	to, ok := r.trie.Get(topic.Unshared(wire))
	return to, ok && to.wire == wire
}

// sync makes the members of a filter, or one of them, what the registry says.
func (s *spread) sync(ctx actor.Context, i placement.Item) {
	members, newcomers, asked, asks := s.registered(i)
	s.stay(i.Wire)
	filter := topic.Unshared(i.Wire)
	if to, ok := s.trie.Get(filter); ok {
		to.leaving = nil
		gone := to.missing(i, members)
		if to.wire != i.Wire { // it was shared, or was not
			gone = to.targets()
		}
		s.table.unsubscribe(ctx, filter, gone)
	}
	s.unasked = !asks
	for _, m := range members {
		s.table.subscribe(ctx, messages.SubscribeCommand{Filter: filter, Targets: []messages.Target{m.Target}, Options: m.Options})
	}
	s.unasked = false
	to, ok := s.wired(i.Wire)
	if !ok {
		s.said(i.Wire)
		return
	}
	again := asked > to.number && to.senders.refused(to.want.Serial)
	to.number = max(to.number, asked)
	if asks && (to.unasked || again) {
		to.unasked = false
		want := to.wants()
		want.Overlaps, want.Replay = to.want.Overlaps, to.want.Replay
		s.table.ask(to, want, false)
	}
	s.greet(to, newcomers)
	s.report(ctx, to)
}

// registered is what the registry says of a filter, or of one target of it.
func (s *spread) registered(i placement.Item) (members []messages.Member, newcomers []messages.Newcomer, asked uint64, asks bool) {
	s.mirror.look(func(v *placement.View) {
		if i.Whole() {
			members = s.Members(i.Wire)
		} else if o, ok := s.Member(i); ok {
			members = []messages.Member{{Target: i.Target, Options: o}}
		}
		newcomers, asked, asks = v.Newcomers(i.Wire), v.Asked(i.Wire), s.Asks(i.Wire)
	})
	return members, newcomers, asked, asks
}

// greet sends the retained values to the newcomers that have not got them.
func (s *spread) greet(to *route, newcomers []messages.Newcomer) {
	greeted := to.greeted
	for _, n := range newcomers {
		if n.Number <= greeted || !to.has(n.Target) {
			continue
		}
		to.greeted = max(to.greeted, n.Number)
		m, _ := to.members.Get(n.Target)
		s.table.want(to, true)
		s.table.welcome(to, messages.SubscribeCommand{
			Filter: to.filter, Targets: []messages.Target{n.Target}, Options: m.options, Replay: true, Newcomer: n.Channel,
		})
	}
}

// report says what the broker has answered, if it is the answer to all that is asked.
func (s *spread) report(ctx actor.Context, to *route) {
	if to.unasked {
		return
	}
	v := to.senders.verdict
	if v.serial < to.want.Serial {
		s.unsaid.Add(to.wire, to.number)
		return
	}
	s.said(to.wire)
	st := messages.FilterStatus{Filter: to.wire, Number: to.number, Granted: v.failure == nil, QoS: v.qos}
	if v.failure != nil {
		st.Refusal, st.Reason = messages.FilterRefusal{Filter: to.wire, Kind: v.kind, Code: v.code}, v.failure.Reason
	}
	s.carryOut(ctx, func() placement.Effects { return s.Answered(st) })
}

// said notes that the broker has nothing more to say of a filter.
func (s *spread) said(wire string) {
	s.unsaid.Remove(wire)
	delete(s.first, wire)
}
