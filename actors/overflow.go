package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// This is the half of a group that deals with queues without room.

// The pace of writing to such a queue: how soon to look again, how soon when
// nobody has read it for a while, and how long that while is.
const (
	fullRetry  = 20 * time.Millisecond
	stuckRetry = 250 * time.Millisecond
	stuckAfter = time.Second
)

// park takes in what queues had no room for.
func (g *group) park(ctx actor.Context, m sent) {
	for _, r := range m.outcome.Refused {
		place, ok := g.parked[r.Queue.Name]
		if !ok {
			place = newParking(g.dependencies)
		}
		queue := r.Queue
		for _, e := range eventsOf(m.batch.Bundles[r.From:]) {
			place.add(e, &queue)
		}
		if !ok && !place.empty() {
			g.parked[queue.Name] = place
			g.later(ctx, queue.Name, fullRetry)
		}
	}
}

// unparked notes what a queue has taken of what was parked for it.
func (g *group) unparked(ctx actor.Context, m sent) {
	name, taken := m.batch.Queue.Name, m.batch.Bundles
	for _, r := range m.outcome.Refused {
		taken = taken[:r.From]
	}
	delete(g.writes, name)
	place := g.parked[name]
	place.wrote(len(eventsOf(taken)))
	switch {
	case len(m.outcome.Refused) == 0:
		g.fill(ctx, name)
	case place.stuck():
		g.later(ctx, name, stuckRetry)
	default:
		g.later(ctx, name, fullRetry)
	}
}

// fill writes the next of what is parked for a queue.
func (g *group) fill(ctx actor.Context, name string) {
	place := g.parked[name]
	events, queue := place.head(min(batchLimit, 2*place.taken+8))
	if len(events) == 0 {
		place.clear()
		delete(g.parked, name)
		return
	}
	b := &messages.Batch{Target: g.target, Bundles: bundles(events), Queue: queue}
	g.writes[name] = b
	g.write(ctx, b)
}

// moving says whether anything is parked that is likely to go soon.
func (g *group) moving() bool {
	for _, place := range g.parked {
		if !place.stuck() {
			return true
		}
	}
	return false
}
