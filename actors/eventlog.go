package actors

import (
	"sync"

	"chanmqttproxy/messages"
)

// eventsKept is how many events are remembered.
const eventsKept = 1000

// eventLog keeps the last events of the tree.
type eventLog struct {
	mu     sync.Mutex
	serial uint64
	lines  []messages.LifeEvent // a ring, once it is full
}

func (s *eventLog) add(h messages.LifeEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	h.Serial = s.serial
	if len(s.lines) < eventsKept {
		s.lines = append(s.lines, h)
		return
	}
	s.lines[(s.serial-1)%eventsKept] = h
}

// after returns the events after a serial, oldest first.
func (s *eventLog) after(serial uint64) []messages.LifeEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := s.serial - uint64(len(s.lines))
	var list []messages.LifeEvent
	for n := max(serial, oldest); n < s.serial; n++ {
		list = append(list, s.lines[n%eventsKept])
	}
	return list
}
