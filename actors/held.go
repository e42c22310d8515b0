package actors

import (
	"time"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
)

// pass gives the subscription a delivery, or keeps it until another slot has handed over
// what it has of the filter.
func (r *routes) pass(to *route, d messages.Delivery) {
	if to.leaving != nil {
		to.leaving.last = time.Now()
	}
	switch {
	case !to.held || d.Message.Retain:
		to.subscription.Tell(d)
	case r.spread.undoing:
		r.undo(d)
	default:
		to.kept = append(to.kept, d)
	}
}

// hold has what comes of a filter be kept.
func (s *spread) hold(wire string) {
	if to, ok := s.wired(wire); ok && !to.held {
		to.held = true
		s.held++
	}
}

// release passes on what was kept of a filter, and what comes. Where the slot stops it stays
// held: what was given back comes first at the next holder.
func (s *spread) release(wire string) {
	if to, ok := s.wired(wire); ok && !s.undoing {
		s.letGo(to)
	}
}

// letGo passes on what was kept of a filter.
func (r *routes) letGo(to *route) {
	if to.held {
		to.held = false
		r.spread.held--
	}
	kept := to.kept
	to.kept = nil
	for _, d := range kept {
		if d.To = r.here(d, to, to.still(d.To)); len(d.To) == 0 {
			giveBack(r.broker, d.Token, d.Weight)
			continue
		}
		to.subscription.Tell(d)
	}
}

// undoAll gives back what is held, and has that done with what comes.
func (s *spread) undoAll() {
	s.undoing = true
	s.trie.Each(func(to *route) {
		for _, d := range to.kept {
			s.undo(d)
		}
		to.kept = nil
	})
}

// undo gives a delivery back that went nowhere.
func (r *routes) undo(d messages.Delivery) {
	r.broker.Tell(messages.Settled{Parts: []messages.Settlement{{Token: d.Token, Weight: d.Weight, Undone: true}}})
}

// here are those of the members of a filter who do not get a message from another slot.
func (r *routes) here(d messages.Delivery, to *route, members []messages.Member) []messages.Member {
	if r.spread == nil || !d.Fresh {
		return members
	}
	var rest []messages.Member
	r.deps.mirror.look(func(v *placement.View) {
		r.spread.found = v.Match(d.Message.Topic, r.spread.found)
		if len(r.spread.found) < 2 {
			rest = members
			return
		}
		for _, m := range members {
			if !v.Elsewhere(r.deps.Slot, to.wire, m.Target, d.Message.At, r.spread.found) {
				rest = append(rest, m)
			}
		}
	})
	return rest
}
