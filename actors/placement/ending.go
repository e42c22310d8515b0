package placement

// ending is what the slot has done for a pair that ends by that change.
type ending struct {
	number uint64
	done   bool // all is handed over; else it is being
}

// endPairs hands over the pairs that end. It returns the change up to which all are handed over.
func (s *Slot) endPairs(e *Effects) (up uint64) {
	up = s.view.Number()
	for i, number := range s.view.endings {
		if _, serves := s.Subscriber(i); !serves {
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
		s.writeStatus(&e)
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

// ended says whether nothing can be lost any more by a pair that ends by that change. A slot
// that said so before the newest layout may have got the filter by it.
func (v *View) ended(number uint64) bool {
	if !v.agreed() {
		return false
	}
	for slot := range v.Slots() {
		if v.Status(slot).Ended < number {
			return false
		}
	}
	return true
}
