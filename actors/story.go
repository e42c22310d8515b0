package actors

import (
	"sync"

	"chanmqttproxy/messages"
)

// storyLength is how many happenings are remembered.
const storyLength = 1000

// story is what happened to the tree last.
type story struct {
	mu     sync.Mutex
	serial uint64
	lines  []messages.Happening // a ring, once it is full
}

func (s *story) add(h messages.Happening) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	h.Serial = s.serial
	if len(s.lines) < storyLength {
		s.lines = append(s.lines, h)
		return
	}
	s.lines[(s.serial-1)%storyLength] = h
}

// after are the happenings after a serial, oldest first.
func (s *story) after(serial uint64) []messages.Happening {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := s.serial - uint64(len(s.lines))
	var list []messages.Happening
	for n := max(serial, oldest); n < s.serial; n++ {
		list = append(list, s.lines[n%storyLength])
	}
	return list
}
