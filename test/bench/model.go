package main

import (
	"fmt"
	"math"
	"strings"
)

// A model computes what some traffic needs from what was measured.
type model struct {
	// costs are what a message costs at some rates, the lowest first: the more there
	// are, the more are written together, and the less each costs.
	costs []cost
	// idle is the memory of a worker that does nothing, and each that of a subscription
	// beside it, in bytes.
	idle, each float64
	// commands is how many commands a second session 0 carried out (QoS 1).
	commands float64
}

// cost is the CPU of each part for a message, in seconds, at a rate in messages a second.
type cost struct{ rate, worker, broker, redis float64 }

// need is what some rate needs: how much of a processor each part uses, and how many of
// each there must be, so that none is busier than room.
type need struct {
	worker, broker, redis              float64
	sessions, brokers, redises, django int
}

const (
	// room is how much of a processor what can use only one may use.
	room = 0.7
	// djangoRate is how many messages a second a process of a site takes, one by one.
	djangoRate = 1000
)

// of is what a rate needs. That a session uses one processor at most is on the safe
// side: parts of it work side by side.
func (m model) of(rate float64) need {
	c := m.costs[0]
	for _, other := range m.costs {
		if other.rate <= 1.05*rate { // as a fixed rate comes out
			c = other
		}
	}
	many := func(share float64) int { return max(1, int(math.Ceil(share/room))) }
	n := need{worker: rate * c.worker, broker: rate * c.broker, redis: rate * c.redis, django: int(math.Ceil(rate / djangoRate))}
	n.sessions, n.brokers, n.redises = many(n.worker), many(n.broker), many(n.redis)
	return n
}

// modelOf is the model that the results make; it has no costs if they are too few.
func modelOf(results []result) (m model) {
	for _, name := range []string{"rate-1k", "rate-10k", "slots-1"} {
		if s := measured(results, name); s.rate > 0 {
			m.costs = append(m.costs, cost{s.rate, s.worker / s.rate, s.broker / s.rate, s.redis / s.rate})
		}
	}
	idle, full := of(results, "idle", "worker", rss), of(results, "filters-100k", "worker", rss)
	if len(full.values) > 0 {
		const mebi, filters = 1 << 20, 100_000
		m.idle = idle.median() * mebi
		m.each = (full.median()*mebi - m.idle) / filters
	}
	m.commands = of(results, "out-1", "worker", rate).median()
	return m
}

// sizingTable is what some rates need, in Markdown; empty if too little was measured.
func sizingTable(results []result) string {
	m := modelOf(results)
	if len(m.costs) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Computed from what one message costs each part: what some rates need so that nothing uses more than %.0f %% of a processor where it can use only one, and a process of the site takes %s messages a second:\n\n", 100*room, number(djangoRate))
	b.WriteString("| messages a second | `MQTT_SESSIONS` | processors for the workers | brokers (processors) | Redis servers (processors) | processes of the site |\n|--:|--:|--:|--:|--:|--:|\n")
	for _, rate := range []float64{1000, 10_000, 100_000} {
		n := m.of(rate)
		fmt.Fprintf(&b, "| %s | %d | %.2f | %d (%.2f) | %d (%.2f) | %d |\n", number(rate), n.sessions, n.worker, n.brokers, n.broker, n.redises, n.redis, n.django)
	}
	var more []string
	if m.each > 0 {
		more = append(more, fmt.Sprintf("Memory: %.0f MB and %.1f kB for each subscription.", m.idle/1e6, m.each/1e3))
	}
	if m.commands > 0 {
		more = append(more, fmt.Sprintf("Commands: up to %s a second (QoS 1), whatever the number of sessions.", number(m.commands)))
	}
	if len(more) > 0 {
		fmt.Fprintf(&b, "\n%s\n", strings.Join(more, " "))
	}
	return b.String()
}
