package placement

import (
	"chanmqttproxy/messages"
)

// Slot is what one session slot does to make its session agree with the registry, and
// what it has said of that. It takes events, and says what is to be done.
type Slot struct {
	number    int
	view      *View
	here      map[string]*here // by filter as the broker knows it
	connected bool
	retired   bool // its session is no more
	status    messages.SlotStatus
	formers   map[string]bool // filters that are to be left
	endings   map[Item]ending // pairs that end, of those that the slot serves
}

// here is one filter in the session, or on its way there or out of it.
type here struct {
	joined   bool // it has subscribers
	leaving  bool // until Left
	held     bool
	released uint64 // the epoch in which it was released
	status   messages.FilterStatus
}

// Effects are what is to be done.
type Effects struct {
	// Sync are targets, and filters, whose subscribers are to be made those of the View.
	Sync []Item
	// Hold are filters of which is to be held back what comes, and Release those of which
	// it may go.
	Hold, Release []string
	// Leave are filters to unsubscribe from; Left is to be called when that was done, and
	// all that had come is handed over.
	Leave []string
	// End are pairs that end: Ended is to be called when all is handed over that was
	// published up to now, which has come when a marker is back.
	End []Item
	// Write is to be written.
	Write []messages.Change
}

// NewSlot makes the slot of that number, which has said so far what the View knows.
func NewSlot(number int, view *View) *Slot {
	return &Slot{number: number, view: view, here: map[string]*here{}, formers: map[string]bool{}, endings: map[Item]ending{}, status: view.Status(number)}
}

// Connected notes that the holder of the slot is connected to the broker: no former holder
// is any more.
func (s *Slot) Connected() (e Effects) {
	s.connected = true
	s.writeStatus(&e)
	return e
}

// Retired notes that the session of a slot that is no more was dropped.
func (s *Slot) Retired() (e Effects) {
	s.retired = true
	s.writeStatus(&e)
	return e
}

// Changed takes in that the View has changed.
func (s *Slot) Changed(c Changed) (e Effects) {
	if !s.view.Loaded() || s.view.Epoch().Number == 0 {
		return e
	}
	s.retired = s.retired && s.number >= s.view.Epoch().Sessions
	switch {
	case c.Layout:
		clear(s.formers)
		clear(s.endings) // what is held back now has not been handed over
		for wire := range s.here {
			s.compare(Item{Wire: wire}, &e)
		}
		s.view.filters.Each(func(f *Filter) {
			if _, ok := s.here[f.wire]; !ok {
				s.compare(Item{Wire: f.wire}, &e)
			}
		})
	case c.Slots:
		for wire, h := range s.here {
			if h.held || s.formers[wire] {
				s.compare(Item{Wire: wire}, &e)
			}
		}
	}
	if !c.Layout {
		for _, i := range c.Items {
			s.compare(i, &e)
		}
	}
	s.writeStatus(&e)
	return e
}

// compare compares one filter, or a target of it, with what is here.
func (s *Slot) compare(i Item, e *Effects) {
	h := s.of(i.Wire)
	role, leave := s.role(i.Wire, h)
	if role == Former {
		s.formers[i.Wire] = true
	} else {
		delete(s.formers, i.Wire)
	}
	wanted := s.view.serves(s.number, i.Wire, h.granted(role))
	switch {
	case wanted && !leave:
		if h.leaving || !h.joined {
			i = Item{Wire: i.Wire}
		}
		h.joined, h.leaving = true, false
		e.Sync = append(e.Sync, i)
		s.hold(i.Wire, h, role, e)
	case h.leaving:
	case h.joined || leave || s.unsure(role, i.Wire, h):
		if wanted != h.joined { // what waits in the session is still delivered
			e.Sync = append(e.Sync, Item{Wire: i.Wire})
		}
		h.joined = wanted
		s.hold(i.Wire, h, role, e)
		h.leaving = true
		e.Leave = append(e.Leave, i.Wire)
	default:
		s.forget(i.Wire, h, e)
		return
	}
	s.here[i.Wire] = h
}

// of is what is here of a filter, or what the slot has said of it.
func (s *Slot) of(wire string) *here {
	if h := s.here[wire]; h != nil {
		return h
	}
	return &here{status: s.view.status(s.number, wire)}
}

// role is that of the slot for a filter, by what it has said itself of it.
func (s *Slot) role(wire string, h *here) (role Role, leave bool) {
	role, leave = s.view.Role(s.number, wire)
	switch {
	case role != Former:
		return role, leave
	case h.status.Left >= s.view.Epoch().Number, s.status.Left >= s.view.Epoch().Number:
		return None, false // the View may not have it yet
	}
	return Former, leave || !h.status.Granted
}

// hold finds out whether what comes of a filter is held back.
func (s *Slot) hold(wire string, h *here, role Role, e *Effects) {
	f, ok := s.view.filters.Get(wire)
	epoch := s.view.Epoch().Number
	held := ok && role == Owner && h.released < epoch && s.view.moving(f)
	if role == Owner && !held {
		h.released = epoch
	}
	if held != h.held {
		h.held = held
		if held {
			e.Hold = append(e.Hold, wire)
		} else {
			e.Release = append(e.Release, wire)
		}
	}
}

// Answered takes in what the broker has said of a filter for what was asked up to that
// number, with the rest of the status as it is to be said. What a slot does not ask for is
// the owner's to answer.
func (s *Slot) Answered(status messages.FilterStatus) (e Effects) {
	h := s.here[status.Filter]
	if h == nil || h.leaving || h.status == status || !s.Asks(status.Filter) {
		return e
	}
	h.status = status
	e.Write = append(e.Write, messages.Change{Filter: &status})
	return e
}

// Left takes in that the broker has a filter no more, and that all is handed over that had
// come of it.
func (s *Slot) Left(wire string) (e Effects) {
	h := s.here[wire]
	if h == nil || !h.leaving {
		return e
	}
	h.leaving, h.joined, h.held = false, false, false
	number := s.view.Asked(wire)
	if f, ok := s.view.filters.Get(wire); ok {
		number = max(number, f.leaving)
	}
	h.status = messages.FilterStatus{Filter: wire, Number: number, Left: s.view.Epoch().Number}
	status := h.status
	e.Write = append(e.Write, messages.Change{Filter: &status})
	delete(s.formers, wire)
	s.writeStatus(&e)
	return e
}

// writeStatus writes how far the slot is, if that has changed.
func (s *Slot) writeStatus(e *Effects) {
	epoch := s.view.Epoch()
	if !s.connected || epoch.Number == 0 || !s.view.Loaded() {
		return
	}
	status := s.status
	status.Epoch = epoch.Number
	ends := s.endPairs(e)
	if status.Epoch > s.status.Epoch || s.view.endsAfter(s.status.Ended, ends) {
		status.Ended = ends
	}
	if len(s.formers) == 0 && !s.busy() && (s.number < epoch.Sessions || s.retired) {
		status.Left = epoch.Number
	}
	if status == s.status && !s.view.endsAfter(s.status.Change, s.view.Number()) {
		return
	}
	status.Change = s.view.Number()
	more := status.Left > s.status.Left
	if s.status = status; more {
		s.forgetMarks(e)
	}
	e.Write = append(e.Write, messages.Change{Status: &status})
}

// busy says whether a filter is still on its way out of a slot that is no more.
func (s *Slot) busy() bool {
	for _, h := range s.here {
		if h.leaving && s.number >= s.view.Epoch().Sessions {
			return true
		}
	}
	return false
}

// Idle says whether the slot is none by the newest layout, and has left all.
func (s *Slot) Idle() bool {
	return s.connected && s.status.Epoch == s.view.Epoch().Number && s.number >= s.view.Epoch().Sessions && len(s.formers) == 0 && !s.busy()
}
