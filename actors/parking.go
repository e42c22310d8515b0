package actors

import (
	"slices"
	"time"

	"chanmqttproxy/messages"
)

// parking holds what waits for one queue that had no room: in order, the newest
// of a topic only where that was asked for, at most as long as the layer keeps
// messages, and bounded.
type parking struct {
	*dependencies
	waiting []*parked
	latest  map[string]*parked // by topic: those that a newer one replaces

	underWay int // how many of waiting, from the first, are being written
	taken    int // how many the queue took last time
	progress time.Time
}

// parked is an event that waits for a queue.
type parked struct {
	event    messages.Event
	queue    *messages.Queue
	replaced bool
}

func newParking(deps *dependencies) *parking {
	return &parking{dependencies: deps, latest: map[string]*parked{}, progress: time.Now()}
}

// add parks an event, unless it is one that is rather dropped.
func (p *parking) add(e messages.Event, q *messages.Queue) {
	if e.Overflow == messages.OverflowDrop {
		p.Stats.Full.Add(1)
		return
	}
	added := &parked{event: e, queue: q}
	if e.Overflow == messages.OverflowLatest {
		p.replace(e.Message.Topic, added)
	}
	p.waiting = append(p.waiting, added)
	p.account(added, 1)
	for len(p.waiting) > p.underWay+1 && (len(p.waiting) > p.QueueBacklog || p.Stats.WaitingBytes.Load() > p.BacklogMemory) {
		p.remove(p.underWay)
		p.Stats.Overflowed.Add(1)
	}
}

// replace marks the event that waits for the same topic, which is skipped from
// then on.
func (p *parking) replace(topic string, by *parked) {
	if old, ok := p.latest[topic]; ok && !old.replaced {
		old.replaced = true
		p.Stats.Replaced.Add(1)
	}
	p.latest[topic] = by
}

// head is what to write next: the oldest events that name the same members,
// at most n. What has become too old is dropped first.
func (p *parking) head(n int) (events []messages.Event, queue *messages.Queue) {
	p.expire()
	for p.underWay = 0; p.underWay < len(p.waiting) && len(events) < n; p.underWay++ {
		w := p.waiting[p.underWay]
		if w.replaced {
			continue
		}
		if queue != nil && !sameQueue(queue, w.queue) {
			break
		}
		queue = w.queue
		events = append(events, w.event)
		if w.event.Overflow == messages.OverflowLatest {
			delete(p.latest, w.event.Message.Topic)
		}
	}
	return events, queue
}

// expire drops what was replaced or has waited for longer than the layer keeps
// messages.
func (p *parking) expire() {
	limit := time.Now().Add(-p.Expiry)
	for len(p.waiting) > 0 {
		w := p.waiting[0]
		old := w.event.Message.At.Before(limit)
		if !w.replaced && !old {
			return
		}
		if !w.replaced {
			p.Stats.Expired.Add(1)
		}
		p.remove(0)
	}
}

// wrote notes that the queue took the first n of the events of head. The rest
// waits on.
func (p *parking) wrote(n int) {
	p.taken = n
	if n > 0 {
		p.progress = time.Now()
	}
	seen := 0
	for i := 0; i < p.underWay; i++ {
		w := p.waiting[0]
		if !w.replaced {
			if seen == n {
				break
			}
			seen++
		}
		p.remove(0)
	}
	p.underWay = 0
}

func (p *parking) remove(i int) {
	w := p.waiting[i]
	p.account(w, -1)
	if p.latest[w.event.Message.Topic] == w {
		delete(p.latest, w.event.Message.Topic)
	}
	copy(p.waiting[1:i+1], p.waiting[:i]) // i is small: few are under way
	p.waiting[0] = nil
	p.waiting = p.waiting[1:]
}

// clear drops everything.
func (p *parking) clear() {
	for _, w := range p.waiting {
		p.account(w, -1)
	}
	p.waiting = nil
}

func (p *parking) account(w *parked, sign int64) {
	p.Stats.Parked.Add(sign)
	p.Stats.WaitingBytes.Add(sign * sizeOf(w.event))
}

func (p *parking) empty() bool { return len(p.waiting) == 0 }

// stuck says that nobody has read the queue for a while.
func (p *parking) stuck() bool { return time.Since(p.progress) > stuckAfter }

func sameQueue(a, b *messages.Queue) bool {
	return a == b || a.Name == b.Name && slices.Equal(a.Members, b.Members)
}
