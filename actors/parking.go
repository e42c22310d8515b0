package actors

import (
	"fmt"
	"slices"
	"time"

	"chanmqttproxy/messages"
)

// parking holds what waits for one queue that had no room: in order, at most as
// long as the layer keeps messages, and bounded. Where that was asked for only
// the newest message of a topic waits, and as long as it takes.
type parking struct {
	*env
	waiting []*parked
	live    int                // how many of waiting are not replaced
	held    int64              // memory that they occupy, in bytes
	dropped uint64             // that were not written
	latest  map[string]*parked // by topic: those that a newer one replaces

	count    *uint64 // of all that was parked for the target
	underWay int     // how many of waiting, from the first, are being written
	taken    int     // how many the queue took last time
	progress time.Time
}

// parked is an event that waits for a queue. One that was replaced is skipped.
type parked struct {
	event    messages.Event
	queue    *messages.Queue
	number   uint64
	replaced bool
}

func newParking(deps *env, count *uint64) *parking {
	return &parking{env: deps, count: count, latest: map[string]*parked{}, progress: time.Now()}
}

// add parks an event, unless it is one that is rather dropped, and returns how
// many were.
func (p *parking) add(e messages.Event, q *messages.Queue) (dropped uint64) {
	if e.Overflow == messages.OverflowDrop {
		p.Stats.Full.Add(1)
		p.step(e.Message, "", "dropped", "the queue "+q.Name+" is full, and the subscription's overflow is drop")
		return 1
	}
	p.wait(e, q)
	*p.count++
	added := &parked{event: e, queue: q, number: *p.count}
	if replaceable(e) {
		p.replace(e.Message.Topic, added)
	}
	p.waiting = append(p.waiting, added)
	p.account(added, 1)
	for p.live > 1 && (p.live > p.QueueBacklog || p.crowded(p.held)) && p.dropOldest() {
		p.Stats.Overflowed.Add(1)
		dropped++
	}
	return dropped
}

// replace takes the event that waits for the same topic out of the count.
func (p *parking) replace(topic string, by *parked) {
	if old, ok := p.latest[topic]; ok {
		old.replaced = true
		p.done(old, "a newer one of its topic has come, and the subscription's overflow is latest")
		p.account(old, -1)
		p.Stats.Replaced.Add(1)
	}
	p.latest[topic] = by
	if len(p.waiting) > 2*p.live+batchLimit {
		p.compact()
	}
}

// replaceable says that an event replaces, and is replaced by, others of its topic.
// A retained value does not: it is for newcomers only.
func replaceable(e messages.Event) bool {
	return e.Overflow == messages.OverflowLatest && !e.Message.Retain
}

// compact forgets what was replaced, but for what is being written.
func (p *parking) compact() {
	rest := slices.DeleteFunc(p.waiting[p.underWay:], func(w *parked) bool { return w.replaced })
	p.waiting = p.waiting[:p.underWay+len(rest)]
}

// dropOldest drops the oldest event that is not being written, if there is one.
func (p *parking) dropOldest() bool {
	for i := p.underWay; i < len(p.waiting); i++ {
		if !p.waiting[i].replaced {
			p.done(p.waiting[i], "too many wait for room (QUEUE_BACKLOG, BACKLOG_MEMORY)")
			p.forget(p.waiting[i])
			p.waiting = slices.Delete(p.waiting, i, i+1)
			return true
		}
	}
	return false
}

// head is what to write next: the oldest events that name the same members,
// at most n, and no further above batchBytes. What has become too old is dropped first.
func (p *parking) head(n int) (events []messages.Event, queue *messages.Queue) {
	p.expire()
	size := int64(0)
	for p.underWay = 0; p.underWay < len(p.waiting) && len(events) < n && size < batchBytes; p.underWay++ {
		w := p.waiting[p.underWay]
		if w.replaced {
			continue
		}
		if queue != nil && !sameQueue(queue, w.queue) {
			break
		}
		queue = w.queue
		events = append(events, w.event)
		size += sizeOf(w.event)
		if p.latest[w.event.Message.Topic] == w {
			delete(p.latest, w.event.Message.Topic)
		}
	}
	return events, queue
}

// expire drops from the head what was replaced or has waited for longer than
// the layer keeps messages.
func (p *parking) expire() {
	limit := time.Now().Add(-p.Expiry)
	for len(p.waiting) > 0 {
		w := p.waiting[0]
		old := w.event.Overflow == messages.OverflowWait && w.event.Message.At.Before(limit)
		if !w.replaced && !old {
			return
		}
		if !w.replaced {
			p.Stats.Expired.Add(1)
			p.done(w, fmt.Sprintf("it has waited for room for %v, as long as the layer keeps messages", p.Expiry))
			p.dropped++
			p.forget(w)
		}
		p.waiting = p.waiting[1:]
	}
}

// wrote notes that the queue took the first n of the events of head. The rest
// waits on; of a topic's only the newest, where that was asked for.
func (p *parking) wrote(n int) {
	p.taken = n
	if n > 0 {
		p.progress = time.Now()
	}
	for len(p.waiting) > 0 && p.underWay > 0 && (n > 0 || p.waiting[0].replaced) {
		if w := p.waiting[0]; !w.replaced {
			if trace := w.event.Message.Trace; trace != 0 {
				p.traces.park(trace, -1)
			}
			p.forget(w)
			n--
		}
		p.waiting = p.waiting[1:]
		p.underWay--
	}
	for _, w := range p.waiting[:p.underWay] {
		p.reclaim(w)
	}
	p.underWay = 0
}

// reclaim has an event that could not be written replaced by a newer one again.
func (p *parking) reclaim(w *parked) {
	topic := w.event.Message.Topic
	if w.replaced || !replaceable(w.event) {
		return
	}
	if _, newer := p.latest[topic]; !newer {
		p.latest[topic] = w
		return
	}
	w.replaced = true
	p.done(w, "a newer one of its topic has come, and the subscription's overflow is latest")
	p.account(w, -1)
	p.Stats.Replaced.Add(1)
}

// forget takes an event out of the books; it is gone.
func (p *parking) forget(w *parked) {
	p.account(w, -1)
	if p.latest[w.event.Message.Topic] == w {
		delete(p.latest, w.event.Message.Topic)
	}
}

// clear drops everything.
func (p *parking) clear() {
	for _, w := range p.waiting {
		if !w.replaced {
			p.done(w, "the worker stops, or its group's actor was restarted")
			p.account(w, -1)
		}
	}
	p.waiting = nil
}

// wait and done tell those who follow a message that it waits, and why it waits
// no more.
func (p *parking) wait(e messages.Event, q *messages.Queue) {
	if e.Message.Trace != 0 {
		p.step(e.Message, "", "parked", "the queue "+q.Name+" is full: its process does not keep up; it waits for room")
		p.traces.park(e.Message.Trace, 1)
	}
}

func (p *parking) done(w *parked, why string) {
	if w.event.Message.Trace != 0 {
		p.step(w.event.Message, "", "dropped", why)
		p.traces.park(w.event.Message.Trace, -1)
	}
}

func (p *parking) account(w *parked, sign int64) {
	bytes := sign * sizeOf(w.event)
	p.live += int(sign)
	p.held += bytes
	p.Stats.Parked.Add(sign)
	p.Stats.WaitingBytes.Add(bytes)
}

// upTo says whether something waits that was parked up to that number.
func (p *parking) upTo(number uint64) bool {
	for _, w := range p.waiting {
		if !w.replaced {
			return w.number <= number
		}
	}
	return false
}

func (p *parking) empty() bool { return p.live == 0 }

// stuck says that nobody has read the queue for a while.
func (p *parking) stuck() bool { return time.Since(p.progress) > stuckAfter }

func sameQueue(a, b *messages.Queue) bool {
	return a == b || a.Name == b.Name && slices.Equal(a.Members, b.Members)
}
