package layer

import (
	"strings"
	"sync"

	"chanmqttproxy/messages"
)

// maxTurns bounds for how many channels it is remembered whose turn it is; above
// it all are forgotten.
const maxTurns = 10000

// turns counts what was sent to each general channel, so that it goes to one host
// after the other.
type turns struct {
	mu   sync.Mutex
	next map[string]uint64
}

func (t *turns) take(channel string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next == nil || len(t.next) >= maxTurns {
		t.next = map[string]uint64{}
	}
	n := t.next[channel]
	t.next[channel]++
	return n
}

// stamp numbers n messages for a target. Where they go to a general channel the
// first number says by its remainder to which host, also when they are sent again.
func (c *Core) stamp(t messages.Target, n int) uint64 {
	hosts := len(c.servers)
	if hosts == 1 || t.Kind == messages.Group || strings.Contains(t.Name, "!") {
		return uint64(c.clock.take(n))
	}
	first, host := uint64(c.clock.take(n+hosts-1)), c.turns.take(t.Name)%uint64(hosts)
	for first%uint64(hosts) != host {
		first++
	}
	return first
}
