package layer

import (
	"strings"
	"sync"

	"chanmqttproxy/messages"
)

// maxChannels bounds for how many channels the next host is remembered; above it all
// are forgotten.
const maxChannels = 10000

// roundRobin counts what was sent to each general channel, so that it goes to one host
// after the other.
type roundRobin struct {
	mu   sync.Mutex
	next map[string]uint64
}

func (r *roundRobin) take(channel string) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil || len(r.next) >= maxChannels {
		r.next = map[string]uint64{}
	}
	n := r.next[channel]
	r.next[channel]++
	return n
}

// stamp numbers n messages for a target. Where they go to a general channel the
// first number says by its remainder to which host, also when they are sent again.
func (c *Core) stamp(t messages.Target, n int) uint64 {
	hosts := len(c.servers)
	if hosts == 1 || t.Kind == messages.Group || strings.Contains(t.Name, "!") {
		return uint64(c.clock.take(n))
	}
	first, host := uint64(c.clock.take(n+hosts-1)), c.roundRobin.take(t.Name)%uint64(hosts)
	for first%uint64(hosts) != host {
		first++
	}
	return first
}
