package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/actors/routing"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// departures are the filters that a slot leaves since they belong to another now. The other
// slot holds its messages back until everything that came here is handed over. A filter that
// nobody wants any more is left in the same way.
type departures struct {
	leaving map[string]*departure       // by the filter as the broker knows it
	handing map[uint64]*departure       // by the ID of their HandOver
	ends    map[placement.Item]uint64   // pairs that end, and the marker before which all comes
	ending  map[string][]placement.Item // by filter: those whose subscription is passing on the rest
	ended   map[uint64]placement.Item   // by the ID of their HandOver
	lastID  uint64                      // of a HandOver
}

// departure is one filter that is being left.
type departure struct {
	routing.Leaving
	wire   string
	sure   bool   // this holder has subscribed, and no UNSUBSCRIBE can have been lost since
	gone   bool   // the broker has it no more
	marker uint64 // all of its messages come before this one: see placement.Markers
	to     []messages.Target
	left   int // HandOvers without an answer
}

func newDepartures() departures {
	return departures{leaving: map[string]*departure{}, handing: map[uint64]*departure{}, ends: map[placement.Item]uint64{}, ending: map[string][]placement.Item{}, ended: map[uint64]placement.Item{}}
}

// leaveQuiet is how long nothing must have come of a filter after its UNSUBACK: a broker may
// go on with what it has queued [MQTT-3.10.4-3].
const leaveQuiet = 200 * time.Millisecond

// handOverDue comes when everything published before the end of a pair has come.
type handOverDue struct {
	stamp
	placement.Item
}

// leaveDue comes when the next step of leaving a filter is due: after leaveQuiet, or when its
// marker is back.
type leaveDue struct {
	stamp
	of *departure
}

// stay stops leaving a filter.
func (d *departures) stay(wire string) { delete(d.leaving, wire) }

// leaveFilter unsubscribes from a filter. The broker may not have it.
func (s *spread) leaveFilter(wire string) {
	d := &departure{wire: wire}
	s.leaving[wire] = d
	if to, ok := s.routes.Wired(wire); ok {
		d.sure = !to.Unasked && to.Replies.Last.Revision >= to.Desired.Revision && to.Replies.Last.Refusal == nil
		to.Slot().Leaving = &d.Leaving
		s.session.Tell(messages.Undesired{Filter: wire})
	}
	s.session.Tell(messages.Leave{Filter: wire})
}

// resubscribing closes the filters of a Resubscribing marker. Nothing is missing where this holder has
// subscribed itself (sure). Of a shared filter the owner gets no copy of its own.
func (s *spread) resubscribing(m placement.Resubscribing) {
	var counts bool
	s.mirror.read(func(v *placement.View) { counts = v.Counts(m, s.Options.Slot) })
	if !counts {
		return
	}
	for _, wire := range m.Filters {
		if d := s.leaving[wire]; d != nil && !d.sure && !topic.IsShared(wire) {
			s.routes.Close(&d.Leaving)
		}
	}
}

// filterGone continues to leave filters that the broker has no more.
func (s *spread) filterGone(ctx actor.Context, filters []string) {
	for _, wire := range filters {
		d := s.leaving[wire]
		_, ok := s.routes.Wired(wire)
		switch {
		case d == nil || d.gone:
		case !ok:
			s.left(ctx, d)
		default:
			d.gone, d.Last = true, time.Now()
			s.incarnation.after(leaveQuiet, &leaveDue{of: d})
		}
	}
}

// leaveDue continues to leave a filter: when nothing has come of it for a moment it waits for
// a marker, and then it hands over.
func (s *spread) leaveDue(ctx actor.Context, m *leaveDue) {
	d := m.of
	to, ok := s.routes.Wired(d.wire)
	switch wait := leaveQuiet - time.Since(d.Last); {
	case s.leaving[d.wire] != d || d.to != nil:
	case !ok:
		s.left(ctx, d)
	case wait > 0 || s.table.gate.Len() > 0: // what the gate holds is not routed yet
		s.incarnation.after(max(wait, leaveQuiet/4), m)
	default:
		if d.marker == 0 {
			d.marker = s.mark()
		}
		if !s.markers.Passed(d.marker) {
			return // markersPassed goes on
		}
		d.to = to.Targets()
		s.table.change(ctx, func(e *routing.Effects) { s.routes.Unsubscribe(e, to.Filter, d.to) }) // the subscription answers Flushed
	}
}

// handOverDue hands over what has come for a target that leaves a filter.
func (s *spread) handOverDue(ctx actor.Context, m *handOverDue) {
	to, ok := s.routes.Wired(m.Wire)
	switch {
	case !ok:
		s.carryOut(ctx, func() placement.Effects { return s.Ended(m.Item) })
	case to.Held || s.table.gate.Len() > 0: // what the gate holds is not routed yet
		s.incarnation.after(leaveQuiet/4, m)
	default:
		s.ending[to.Filter] = append(s.ending[to.Filter], m.Item)
		s.table.flush(to, messages.Flush{})
	}
}

// handOver asks the targets to answer when they have written what the subscription passed on.
func (s *spread) handOver(filter string) {
	for _, i := range s.ending[filter] {
		s.lastID++
		s.ended[s.lastID] = i
		s.table.handOver(i.Target, s.lastID)
	}
	delete(s.ending, filter)
	for _, wire := range []string{filter, topic.Shared(filter)} {
		d := s.leaving[wire]
		if d == nil || d.to == nil || d.left > 0 {
			continue
		}
		for _, target := range d.to {
			s.lastID++
			s.handing[s.lastID] = d
			d.left++
			s.table.handOver(target, s.lastID)
		}
	}
}

// handedOver notes that a target has written everything.
func (s *spread) handedOver(ctx actor.Context, id uint64) {
	if i, ok := s.ended[id]; ok {
		delete(s.ended, id)
		s.carryOut(ctx, func() placement.Effects { return s.Ended(i) })
		return
	}
	d := s.handing[id]
	delete(s.handing, id)
	if d == nil {
		return
	}
	if d.left--; d.left == 0 {
		s.left(ctx, d)
	}
}

// left reports that a filter was left.
func (s *spread) left(ctx actor.Context, d *departure) {
	if s.leaving[d.wire] == d {
		delete(s.leaving, d.wire)
		s.carryOut(ctx, func() placement.Effects { return s.Left(d.wire) })
	}
}
