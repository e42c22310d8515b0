package main

import (
	"fmt"
	"math"
	"strings"
)

// A model computes what some traffic needs from what was measured.
type model struct {
	// loads are what each part used at some rates, the lowest first. The more messages
	// there are, the more are written together, and the less each costs.
	loads []load
	// idle is the memory of a worker that does nothing, and each that of a subscription
	// beside it, in bytes.
	idle, each float64
	// commands is how many commands a second session 0 carried out (QoS 1).
	commands float64
}

// load is how much of a processor each part used at a rate in messages a second.
type load struct{ rate, worker, broker, redis float64 }

func (l load) scaled(by float64) load {
	return load{l.rate * by, l.worker * by, l.broker * by, l.redis * by}
}

func (l load) plus(o load) load {
	return load{l.rate + o.rate, l.worker + o.worker, l.broker + o.broker, l.redis + o.redis}
}

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

// at is what a rate uses: between two measured rates on the straight line between them,
// outside of them as much for each message as at the nearest.
func (m model) at(rate float64) load {
	for i, high := range m.loads {
		switch {
		case rate > high.rate:
		case i == 0:
			return high.scaled(rate / high.rate)
		default:
			low := m.loads[i-1]
			part := (rate - low.rate) / (high.rate - low.rate)
			return low.scaled(1 - part).plus(high.scaled(part))
		}
	}
	last := m.loads[len(m.loads)-1]
	return last.scaled(rate / last.rate)
}

// of is what a rate needs. That a session uses one processor at most is on the safe
// side: parts of it work side by side.
func (m model) of(rate float64) need {
	l := m.at(rate)
	many := func(share float64) int { return max(1, int(math.Ceil(share/room))) }
	n := need{worker: l.worker, broker: l.broker, redis: l.redis, django: int(math.Ceil(rate / djangoRate))}
	n.sessions, n.brokers, n.redises = many(n.worker), many(n.broker), many(n.redis)
	return n
}

// modelOf is the model that the results make; it has no loads if they are too few.
func modelOf(results []result) (m model) {
	for _, name := range []string{"rate-1k", "rate-10k", "slots-1"} {
		if s := measured(results, name); s.rate > 0 {
			m.loads = append(m.loads, load{s.rate, s.worker, s.broker, s.redis})
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
	if len(m.loads) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "What each rate needs, computed from the processor time that one message takes in each part. No session, broker or Redis uses more than %.0f %% of a processor, and a process of the site handles %s messages a second:\n\n", 100*room, number(djangoRate))
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
