package placement

import (
	"chanmqttproxy/messages"
)

// status is what a slot says of a filter.
func (v *View) status(slot int, wire string) (status messages.FilterStatus) {
	if f, ok := v.filters.Get(wire); ok {
		if at := f.at(slot); at != nil {
			status = at.FilterStatus
		}
	}
	return status
}

// unsure says whether a filter that nobody wants here may be in the session.
func (s *Slot) unsure(role Role, wire string, h *here) bool {
	if h.status.Filter != "" && h.status.Left == 0 {
		return true
	}
	f, ok := s.view.filters.Get(wire)
	return ok && role == Owner && f.leaving > 0 && (h.status.Left == 0 || h.status.Number < f.leaving)
}

// forget drops what is known of a filter that is not here, and the mark of it, if it
// stands for nothing any more. What the slot has said itself is known until the View has it.
func (s *Slot) forget(wire string, h *here, e *Effects) {
	h.joined, h.held, h.released = false, false, 0
	if h.status.Left > 0 && s.needless(wire, h.status.Left, s.status.Left) {
		e.Write = append(e.Write, messages.Change{Forget: wire})
		h.status = messages.FilterStatus{}
	}
	if h.status == s.view.status(s.number, wire) {
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
	unwanted := !ok || f.leaving == 0 && f.subscribers.Len() == 0
	return unwanted && !s.view.may(s.number, &Filter{wire: wire}, s.view.Epoch().Number)
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
		if h.status.Left > 0 && !h.joined && !h.leaving {
			marked = append(marked, wire)
		}
	}
	for _, wire := range marked {
		s.forget(wire, s.of(wire), e)
	}
}
