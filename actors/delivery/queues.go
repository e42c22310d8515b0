package delivery

import (
	"time"

	"chanmqttproxy/messages"
)

// fullQueues takes in what queues had no room for.
func (t *Target) fullQueues(e *Effects, b *messages.Batch, outcome messages.Outcome, now time.Time) {
	for _, r := range outcome.FullQueues {
		o, ok := t.overflows[r.Queue.Name]
		if !ok {
			o = newOverflow(t, now)
		}
		queue := r.Queue
		for _, event := range eventsOf(b.Bundles[r.From:]) {
			t.dropped += o.add(event, &queue)
		}
		if !ok && !o.empty() {
			t.overflows[queue.Name] = o
			e.Again = append(e.Again, Again{queue.Name, fullRetry})
		}
	}
}

// overflowWritten notes what a queue has taken of what waited for it.
func (t *Target) overflowWritten(e *Effects, b *messages.Batch, outcome messages.Outcome, now time.Time) {
	name, taken := b.Queue.Name, b.Bundles
	for _, r := range outcome.FullQueues {
		taken = taken[:r.From]
	}
	o := t.overflows[name]
	o.writing = nil
	o.wrote(len(eventsOf(taken)), now)
	switch {
	case len(outcome.FullQueues) == 0:
		t.fill(e, name, now)
	case o.stuck(now):
		e.Again = append(e.Again, Again{name, stuckRetry})
	default:
		e.Again = append(e.Again, Again{name, fullRetry})
	}
	t.handOver(e)
}

// fill writes the next of what waits for a queue.
func (t *Target) fill(e *Effects, name string, now time.Time) {
	o := t.overflows[name]
	events, queue := o.head(min(batchLimit, 2*o.taken+8), now)
	if len(events) == 0 {
		o.clear()
		t.dropped += o.dropped
		delete(t.overflows, name)
		return
	}
	o.writing = &messages.Batch{Target: t.name, Bundles: bundles(events), Queue: queue}
	e.Write = o.writing
}
