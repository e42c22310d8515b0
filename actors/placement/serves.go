package placement

import (
	"math"

	"chanmqttproxy/messages"
)

// granted is the number up to which the slot delivers what comes of the filter to the
// targets that have asked for it. A former owner delivers only to the targets that it was granted
// for: the others were promised nothing, and the owner may have had the filter for longer.
func (h *here) granted(role Role) uint64 {
	switch {
	case role == Owner:
		return math.MaxUint64
	case role == Former && h.status.Granted:
		return h.status.Number
	}
	return 0
}

func (s *Slot) granted(wire string) uint64 {
	h := s.of(wire)
	role, _ := s.role(wire, h)
	return h.granted(role)
}

// Members are the members of a filter that the slot serves.
func (s *Slot) Members(wire string) []messages.Member {
	return s.view.members(s.number, wire, s.granted(wire))
}

// Member is what a target has asked of a filter, if the slot serves it.
func (s *Slot) Member(i Item) (o messages.Options, ok bool) {
	f, known := s.view.filters.Get(i.Wire)
	if !known {
		return o, false
	}
	m, ok := f.members.Get(i.Target)
	return m.Options, ok && f.serves(s.number, m, s.granted(i.Wire))
}

// Asks says whether the slot is to ask the broker for a filter that it has members of. A
// former owner does not: if the session has the filter it comes all the same, and if not
// the owner may have had it for longer.
func (s *Slot) Asks(wire string) bool {
	role, _ := s.role(wire, s.of(wire))
	return role != Former || s.view.serves(s.number, wire, 0)
}

// members are the members of a filter that a slot serves; granted is the number up to which
// it has the filter.
func (v *View) members(slot int, wire string, granted uint64) (list []messages.Member) {
	f, ok := v.filters.Get(wire)
	if !ok {
		return nil
	}
	for target, m := range f.members.Each {
		if f.serves(slot, m, granted) {
			list = append(list, messages.Member{Target: target, Options: m.Options})
		}
	}
	return list
}

// serves says whether a slot serves anybody of a filter, which it has up to that number.
func (v *View) serves(slot int, wire string, granted uint64) bool {
	f, ok := v.filters.Get(wire)
	if !ok || granted == 0 && slot > 0 {
		return false
	}
	for _, m := range f.members.Each {
		if f.serves(slot, m, granted) {
			return true
		}
	}
	return false
}

// serves says whether a slot that has a filter up to that number serves a member. What wants
// no local messages is the first slot's, by which the worker publishes.
func (f *Filter) serves(slot int, m member, granted uint64) bool {
	if m.NoLocal && !m.Shared {
		return slot == 0
	}
	return m.since <= granted
}
