package mqtt

import "sync"

// requests are the SUBSCRIBE and UNSUBSCRIBE packets that wait for an answer.
type requests struct {
	mu      sync.Mutex
	over    bool
	last    uint16
	waiting map[uint16]chan<- packet
}

// open draws a packet id above those of publishes. Its answer goes to the channel, which must have room
// for it. ok is false after close.
func (r *requests) open(answer chan<- packet) (id uint16, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return 0, false
	}
	if r.waiting == nil {
		r.waiting = map[uint16]chan<- packet{}
	}
	for {
		r.last++
		if r.last <= window || r.last > lastRequestID {
			r.last = window + 1
		}
		if r.waiting[r.last] == nil {
			r.waiting[r.last] = answer
			return r.last, true
		}
	}
}

// answer passes an answer on. One that nobody waits for is ignored.
func (r *requests) answer(id uint16, p packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.waiting[id]; c != nil {
		c <- p
		delete(r.waiting, id)
	}
}

// close answers all that wait with no packet. No further request can be opened.
func (r *requests) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for id, c := range r.waiting {
		c <- packet{}
		delete(r.waiting, id)
	}
}
