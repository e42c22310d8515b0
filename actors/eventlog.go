package actors

import (
	"sync"

	"chanmqttproxy/messages"
)

// eventsKept is how many events are remembered.
const eventsKept = 1000

// eventLog keeps the last events of the tree.
type eventLog struct {
	mu    sync.Mutex
	seq   uint64               // of the last event
	lines []messages.LifeEvent // a ring, once it is full
}

func (s *eventLog) add(h messages.LifeEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	h.Seq = s.seq
	if len(s.lines) < eventsKept {
		s.lines = append(s.lines, h)
		return
	}
	s.lines[(s.seq-1)%eventsKept] = h
}

// after returns the events after the one with that Seq, oldest first.
func (s *eventLog) after(seq uint64) []messages.LifeEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := s.seq - uint64(len(s.lines))
	var list []messages.LifeEvent
	for n := max(seq, oldest); n < s.seq; n++ {
		list = append(list, s.lines[n%eventsKept])
	}
	return list
}
