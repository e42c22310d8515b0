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

// Subscribers are those of a filter that the slot serves.
func (s *Slot) Subscribers(wire string) []messages.Subscriber {
	return s.view.subscribers(s.number, wire, s.granted(wire))
}

// Subscriber returns the options of one subscriber of a filter, if the slot serves it.
func (s *Slot) Subscriber(i Item) (o messages.Options, ok bool) {
	f, known := s.view.filters.Get(i.Wire)
	if !known {
		return o, false
	}
	found, ok := f.subscribers.Get(i.Target)
	return found.Options, ok && f.serves(s.number, found, s.granted(i.Wire))
}

// Asks says whether the slot is to ask the broker for a filter that it has subscribers of. A
// former owner does not: if the session has the filter it comes all the same, and if not
// the owner may have had it for longer.
func (s *Slot) Asks(wire string) bool {
	role, _ := s.role(wire, s.of(wire))
	return role != Former || s.view.serves(s.number, wire, 0)
}

// subscribers are those of a filter that a slot serves; granted is the number up to which
// it has the filter.
func (v *View) subscribers(slot int, wire string, granted uint64) (list []messages.Subscriber) {
	f, ok := v.filters.Get(wire)
	if !ok {
		return nil
	}
	for target, s := range f.subscribers.Each {
		if f.serves(slot, s, granted) {
			list = append(list, messages.Subscriber{Target: target, Options: s.Options})
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
	for _, s := range f.subscribers.Each {
		if f.serves(slot, s, granted) {
			return true
		}
	}
	return false
}

// serves says whether a slot that has a filter up to that number serves a subscriber. What wants
// no local messages is the first slot's, by which the worker publishes.
func (f *Filter) serves(slot int, s subscriber, granted uint64) bool {
	if s.NoLocal && !s.Shared {
		return slot == 0
	}
	return s.since <= granted
}
