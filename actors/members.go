package actors

import "chanmqttproxy/messages"

// few is how many members are searched one by one; more have an index. Most filters have
// one member or two, for which a map would be ten times the size.
const few = 8

// memberships are those of one filter by target. The zero value is empty.
type memberships struct {
	list  []member
	index map[messages.Target]int // places in list; nil: there are few
}

type member struct {
	target messages.Target
	membership
}

func (s *memberships) len() int { return len(s.list) }

func (s *memberships) get(target messages.Target) (membership, bool) {
	if i := s.find(target); i >= 0 {
		return s.list[i].membership, true
	}
	return membership{}, false
}

// find is the place of a target, -1 if there is none.
func (s *memberships) find(target messages.Target) int {
	if s.index != nil {
		if i, ok := s.index[target]; ok {
			return i
		}
		return -1
	}
	for i := range s.list {
		if s.list[i].target == target {
			return i
		}
	}
	return -1
}

// set adds or changes a membership.
func (s *memberships) set(target messages.Target, m membership) {
	if i := s.find(target); i >= 0 {
		s.list[i].membership = m
		return
	}
	s.list = append(s.list, member{target, m})
	switch {
	case s.index != nil:
		s.index[target] = len(s.list) - 1
	case len(s.list) > few:
		s.index = map[messages.Target]int{}
		for i := range s.list {
			s.index[s.list[i].target] = i
		}
	}
}

// remove takes a membership away; the last one takes its place.
func (s *memberships) remove(target messages.Target) {
	i := s.find(target)
	if i < 0 {
		return
	}
	last := len(s.list) - 1
	s.list[i] = s.list[last]
	s.list[last] = member{}
	s.list = s.list[:last]
	if s.index == nil {
		return
	}
	delete(s.index, target)
	if i < last {
		s.index[s.list[i].target] = i
	}
	// Not at few, lest one that comes and goes makes the index each time.
	if last <= few/2 {
		s.index = nil
	}
}

// each is for range: all memberships, in no particular order. Those may be changed
// meanwhile, but none may come or go.
func (s *memberships) each(yield func(messages.Target, membership) bool) {
	for i := range s.list {
		if !yield(s.list[i].target, s.list[i].membership) {
			return
		}
	}
}
