package layer

import (
	"sync"

	"chanmqttproxy/messages"
)

// maxPartialWrites bounds how many loads are remembered that failed in part; above it
// the oldest is forgotten, and would be written again as a whole.
const maxPartialWrites = 1000

// partialWrites remembers of loads that failed in part, by their stamps, what became of
// the queues that were written. While one host is unreachable the others would get the
// same again with each attempt, since what they read shows nowhere.
type partialWrites struct {
	mu    sync.Mutex
	known map[uint64]map[string]messages.Outcome
}

// take gives what is known of a load, by queue, and forgets it.
func (h *partialWrites) take(stamp uint64) map[string]messages.Outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	done := h.known[stamp]
	delete(h.known, stamp)
	return done
}

// keep remembers the parts that did not fail.
func (h *partialWrites) keep(stamp uint64, parts []part) {
	done := map[string]messages.Outcome{}
	for _, p := range parts {
		if p.err == nil {
			done[p.queue.Name] = p.outcome
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known == nil {
		h.known = map[uint64]map[string]messages.Outcome{}
	}
	h.known[stamp] = done
	if len(h.known) > maxPartialWrites {
		delete(h.known, h.oldest())
	}
}

func (h *partialWrites) oldest() uint64 {
	least := ^uint64(0)
	for stamp := range h.known {
		least = min(least, stamp)
	}
	return least
}
