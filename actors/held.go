package actors

import (
	"chanmqttproxy/actors/placement"
	"chanmqttproxy/actors/routing"
	"chanmqttproxy/messages"
)

// hold starts to keep back the messages of a filter.
func (s *spread) hold(wire string) {
	if to, ok := s.routes.Wired(wire); ok && !to.Held {
		to.Held = true
		s.held++
	}
}

// release ends that, and passes on what was kept back. When the slot stops the filter stays
// held, so that the next holder delivers what was given back first.
func (s *spread) release(wire string) {
	if to, ok := s.routes.Wired(wire); ok && !s.undoing {
		s.letGo(to)
	}
}

// keep keeps a delivery of a held filter back.
func (s *spread) keep(to *routing.Route, d messages.Delivery) {
	if s.undoing {
		s.undo(d)
		return
	}
	to.Slot().Kept = append(to.Slot().Kept, d)
}

// letGo passes on what was kept back of a filter.
func (s *spread) letGo(to *routing.Route) {
	if to.Held {
		to.Held = false
		s.held--
	}
	for _, d := range to.TakeKept() {
		if d.To = s.here(d, to, to.Still(d.To)); len(d.To) == 0 {
			giveBack(s.session, d.Token, d.Weight)
			continue
		}
		s.table.send(to, d)
	}
}

// undoAll gives back what is held, and from now on what comes for held filters.
func (s *spread) undoAll() {
	s.undoing = true
	s.routes.Each(func(to *routing.Route) {
		for _, d := range to.TakeKept() {
			s.undo(d)
		}
	})
}

// undo gives back a delivery that went nowhere.
func (s *spread) undo(d messages.Delivery) {
	s.session.Tell(messages.Settled{Parts: []messages.Settlement{{Token: d.Token, Weight: d.Weight, Undone: true}}})
}

// here returns the subscribers of a filter that do not get this message from another slot.
func (s *spread) here(d messages.Delivery, to *routing.Route, subscribers []messages.Subscriber) []messages.Subscriber {
	var rest []messages.Subscriber
	doubt := false
	s.mirror.read(func(v *placement.View) {
		s.found = v.Match(d.Message.Topic, s.found)
		if len(s.found) < 2 {
			rest = subscribers
			return
		}
		for _, subscriber := range subscribers {
			remote, old := v.Remote(s.Options.Slot, to.Wire(), subscriber.Target, d.Since, s.found)
			if !remote {
				rest = append(rest, subscriber)
			}
			doubt = doubt || old
		}
	})
	if doubt {
		s.mark()
	}
	return rest
}
