package placement

import (
	"math"

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
	said      messages.SlotStatus
	formers   map[string]bool // filters that are to be left
	endings   map[Item]ending // pairs that end, of those that the slot serves
}

// ending is what the slot has done for a pair that ends by that change.
type ending struct {
	number uint64
	done   bool // all is handed over; else it is being
}

// here is one filter in the session, or on its way there or out of it.
type here struct {
	joined   bool // it has members
	leaving  bool // until Left
	held     bool
	released uint64 // the epoch in which it was released
	said     messages.FilterStatus
}

// Effects are what is to be done.
type Effects struct {
	// Sync are targets, and filters, whose members are to be made those of the View.
	Sync []Item
	// Hold are filters of which is to be held back what comes, and Release those of which
	// it may go.
	Hold, Release []string
	// Leave are filters to unsubscribe from; Left is to be called when that was done, and
	// all that had come is handed over.
	Leave []string
	// End are pairs that end: Ended is to be called when all is handed over that was
	// published up to now, which has come when after SureAfter something is Fresh.
	End []Item
	// Write is to be written.
	Write []messages.Change
}

// NewSlot makes the slot of that number, which has said so far what the View knows.
func NewSlot(number int, view *View) *Slot {
	return &Slot{number: number, view: view, here: map[string]*here{}, formers: map[string]bool{}, endings: map[Item]ending{}, said: view.Status(number)}
}

// Connected notes that the holder of the slot is connected to the broker: no former holder
// is any more.
func (s *Slot) Connected() (e Effects) {
	s.connected = true
	s.say(&e)
	return e
}

// Retired notes that the session of a slot that is no more was dropped.
func (s *Slot) Retired() (e Effects) {
	s.retired = true
	s.say(&e)
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
		for wire := range s.here {
			s.look(Item{Wire: wire}, &e)
		}
		s.view.filters.Each(func(f *Filter) {
			if _, ok := s.here[f.wire]; !ok {
				s.look(Item{Wire: f.wire}, &e)
			}
		})
	case c.Slots:
		for wire, h := range s.here {
			if h.held || s.formers[wire] {
				s.look(Item{Wire: wire}, &e)
			}
		}
	}
	if !c.Layout {
		for _, i := range c.Items {
			s.look(i, &e)
		}
	}
	s.say(&e)
	return e
}

// look compares one filter, or a target of it, with what is here.
func (s *Slot) look(i Item, e *Effects) {
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

// role is that of the slot for a filter, by what it has said itself of it.
func (s *Slot) role(wire string, h *here) (role Role, leave bool) {
	role, leave = s.view.Role(s.number, wire)
	switch {
	case role != Former:
		return role, leave
	case h.said.Left >= s.view.Epoch().Number, s.said.Left >= s.view.Epoch().Number:
		return None, false // the View may not have it yet
	}
	return Former, leave || !h.said.Granted
}

// granted is the number up to which the slot delivers what comes of the filter to those who
// have asked for it. A former owner does so to those for whom it was granted: the others were
// promised nothing, and the owner may have it for longer.
func (h *here) granted(role Role) uint64 {
	switch {
	case role == Owner:
		return math.MaxUint64
	case role == Former && h.said.Granted:
		return h.said.Number
	}
	return 0
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

func (s *Slot) granted(wire string) uint64 {
	h := s.of(wire)
	role, _ := s.role(wire, h)
	return h.granted(role)
}

// of is what is here of a filter, or what the slot has said of it.
func (s *Slot) of(wire string) *here {
	if h := s.here[wire]; h != nil {
		return h
	}
	return &here{said: s.view.said(s.number, wire)}
}

// said is what a slot says of a filter.
func (v *View) said(slot int, wire string) (said messages.FilterStatus) {
	if f, ok := v.filters.Get(wire); ok {
		if at := f.at(slot); at != nil {
			said = at.FilterStatus
		}
	}
	return said
}

// unsure says whether a filter that nobody wants here may be in the session.
func (s *Slot) unsure(role Role, wire string, h *here) bool {
	if h.said.Filter != "" && h.said.Left == 0 {
		return true
	}
	f, ok := s.view.filters.Get(wire)
	return ok && role == Owner && f.leaving > 0 && (h.said.Left == 0 || h.said.Number < f.leaving)
}

// forget drops what is known of a filter that is not here, and the mark of it, if it
// stands for nothing any more. What the slot has said itself is known until the View has it.
func (s *Slot) forget(wire string, h *here, e *Effects) {
	h.joined, h.held, h.released = false, false, 0
	if h.said.Left > 0 && s.needless(wire, h.said.Left, s.said.Left) {
		e.Write = append(e.Write, messages.Change{Forget: wire})
		h.said = messages.FilterStatus{}
	}
	if h.said == s.view.said(s.number, wire) {
		delete(s.here, wire)
		return
	}
	s.here[wire] = h
}

// needless says whether the mark of a filter stands for nothing any more, where the slot
// has left all for that layout.
func (s *Slot) needless(wire string, mark, left uint64) bool {
	if mark <= left {
		return !s.view.Leaving(wire)
	}
	f, ok := s.view.filters.Get(wire)
	unwanted := !ok || f.leaving == 0 && f.members.Len() == 0
	return unwanted && !s.view.may(s.number, &Filter{wire: wire}, s.view.Epoch().Number)
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
// number, with the rest of the status as it is to be said.
func (s *Slot) Answered(status messages.FilterStatus) (e Effects) {
	h := s.here[status.Filter]
	if h == nil || h.leaving || h.said == status {
		return e
	}
	h.said = status
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
	h.said = messages.FilterStatus{Filter: wire, Number: number, Left: s.view.Epoch().Number}
	status := h.said
	e.Write = append(e.Write, messages.Change{Filter: &status})
	delete(s.formers, wire)
	s.say(&e)
	return e
}

// say has it said how far the slot is.
func (s *Slot) say(e *Effects) {
	epoch := s.view.Epoch()
	if !s.connected || epoch.Number == 0 || !s.view.Loaded() {
		return
	}
	said := s.said
	said.Epoch = epoch.Number
	ends := s.end(e)
	if s.view.endsAfter(s.said.Ended, ends) {
		said.Ended = ends
	}
	if len(s.formers) == 0 && !s.busy() && (s.number < epoch.Sessions || s.retired) {
		said.Left = epoch.Number
	}
	if said == s.said && !s.view.endsAfter(s.said.Change, s.view.Number()) {
		return
	}
	said.Change = s.view.Number()
	more := said.Left > s.said.Left
	if s.said = said; more {
		s.forgetMarks(e)
	}
	e.Write = append(e.Write, messages.Change{Status: &said})
}

// end sees to the pairs that end, and returns up to which change all is handed over.
func (s *Slot) end(e *Effects) (up uint64) {
	up = s.view.Number()
	for i, number := range s.view.endings {
		if _, serves := s.Member(i); !serves {
			continue
		}
		old, known := s.endings[i]
		if known = known && old.number == number; known && old.done {
			continue
		}
		up = min(up, number-1)
		if h := s.here[i.Wire]; !known && (h == nil || !h.held) && s.view.known(s.number, number) {
			s.endings[i] = ending{number: number}
			e.End = append(e.End, i)
		}
	}
	for i, old := range s.endings {
		if s.view.endings[i] != old.number {
			delete(s.endings, i)
		}
	}
	return up
}

// Ended takes in that all is handed over to a pair that ends. It is said when the View
// changes next, or now.
func (s *Slot) Ended(i Item) (e Effects) {
	if old, ok := s.endings[i]; ok {
		old.done = true
		s.endings[i] = old
		s.say(&e)
	}
	return e
}

// known says whether all other slots act by a change of the registry.
func (v *View) known(slot int, number uint64) bool {
	for other := range v.Slots() {
		if other != slot && v.Status(other).Change < number {
			return false
		}
	}
	return true
}

// endsAfter says whether a pair ends by a change after the one, and up to the other.
func (v *View) endsAfter(after, up uint64) bool {
	for _, number := range v.endings {
		if number > after && number <= up {
			return true
		}
	}
	return false
}

// forgetMarks drops the marks of single filters, for which that of the slot stands now.
func (s *Slot) forgetMarks(e *Effects) {
	var marked []string
	s.view.filters.Each(func(f *Filter) {
		if at := f.at(s.number); at != nil && at.Left > 0 && s.here[f.wire] == nil {
			marked = append(marked, f.wire)
		}
	})
	for wire, h := range s.here {
		if h.said.Left > 0 && !h.joined && !h.leaving {
			marked = append(marked, wire)
		}
	}
	for _, wire := range marked {
		s.forget(wire, s.of(wire), e)
	}
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
	return s.connected && s.said.Epoch == s.view.Epoch().Number && s.number >= s.view.Epoch().Sessions && len(s.formers) == 0 && !s.busy()
}
