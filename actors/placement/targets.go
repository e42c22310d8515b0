package placement

import "chanmqttproxy/messages"

// few is how many targets are searched one by one; more have an index. Most filters have
// one or two, for which a map would be ten times the size.
const few = 8

// Targets keep something for each target of one filter. The zero value is empty.
type Targets[M any] struct {
	list  []entry[M]
	index map[messages.Target]int // places in list; nil: there are few
}

type entry[M any] struct {
	target messages.Target
	value  M
}

// Len is how many there are.
func (s *Targets[M]) Len() int { return len(s.list) }

// Get is what is kept for a target.
func (s *Targets[M]) Get(target messages.Target) (value M, ok bool) {
	if i := s.find(target); i >= 0 {
		return s.list[i].value, true
	}
	return value, false
}

// Has says whether something is.
func (s *Targets[M]) Has(target messages.Target) bool { return s.find(target) >= 0 }

// find is the place of a target, -1 if there is none.
func (s *Targets[M]) find(target messages.Target) int {
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

// Set adds or changes what is kept for a target.
func (s *Targets[M]) Set(target messages.Target, value M) {
	if i := s.find(target); i >= 0 {
		s.list[i].value = value
		return
	}
	s.list = append(s.list, entry[M]{target, value})
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

// Remove takes a target away; the last one takes its place.
func (s *Targets[M]) Remove(target messages.Target) {
	i := s.find(target)
	if i < 0 {
		return
	}
	last := len(s.list) - 1
	s.list[i] = s.list[last]
	s.list[last] = entry[M]{}
	s.list = s.list[:last]
	if s.index == nil {
		return
	}
	delete(s.index, target)
	if i < last {
		s.index[s.list[i].target] = i
	}
	// Hysteresis: one target that comes and goes makes no index each time.
	if last <= few/2 {
		s.index = nil
	}
}

// Each is for range: all of them, in no particular order. What is kept may be changed
// meanwhile, but no target may come or go.
func (s *Targets[M]) Each(yield func(messages.Target, M) bool) {
	for i := range s.list {
		if !yield(s.list[i].target, s.list[i].value) {
			return
		}
	}
}
