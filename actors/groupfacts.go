package actors

import (
	"context"
	"fmt"
	"time"

	"chanmqttproxy/messages"
)

// slowed has a group hold each of its writes back.
type slowed struct{ by time.Duration }

// idle waits, unless the life ends.
func idle(life context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-life.Done():
	case <-time.After(d):
	}
}

func (g *group) facts() any {
	f := messages.GroupFacts{
		Target: g.target, Waiting: len(g.backlog), Bytes: g.held,
		Writing: g.batch != nil, Attempts: g.attempts, Written: g.written, Dropped: g.dropped,
	}
	for name, place := range g.parked {
		f.Bytes += place.held
		f.Dropped += place.dropped
		f.Parked = append(f.Parked, messages.ParkedFacts{Queue: name, Messages: place.live, Stuck: place.stuck()})
	}
	return f
}

// noted counts what a write has brought to queues, and tells those who follow
// one of its messages.
func (g *group) noted(m sent) {
	g.written += uint64(m.outcome.Stored)
	g.seen.sent.Store(g.written)
	for i, b := range m.batch.Bundles {
		for _, e := range b.Events {
			if e.Message.Trace != 0 {
				g.arrived(e.Message, i, len(m.batch.Bundles), m)
			}
		}
	}
}

// arrived says which queues have taken the i-th of n bundles.
func (g *group) arrived(message *messages.Message, i, n int, m sent) {
	refused := 0 // queues that have not taken it
	stored := m.outcome.Stored
	for _, r := range m.outcome.Refused {
		stored += n - r.From
		if i >= r.From {
			refused++
		}
	}
	queues := stored/n - refused // each queue has taken all that it has not refused
	if m.batch.Queue != nil && queues > 0 {
		g.step(message, g.seen.path, "written", "in Redis, in the queue "+m.batch.Queue.Name+", which has room now")
		return
	}
	if m.batch.Queue != nil {
		return // it waits on
	}
	switch {
	case queues > 0:
		g.step(message, g.seen.path, "written", fmt.Sprintf("in Redis, for %s: in %s", g.target, plural(queues, "queue")))
	case refused == 0:
		g.step(message, g.seen.path, "dropped", "nobody is in "+g.target.String()+" now")
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
