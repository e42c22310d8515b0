package delivery

import (
	"fmt"
	"slices"
	"time"

	"chanmqttproxy/messages"
)

// overflow is what waits for one queue that had no room: in order, at most as
// long as the layer keeps messages, and bounded. Where that was asked for only
// the newest message of a topic waits, and as long as it takes.
type overflow struct {
	of      *Target
	writing *messages.Batch // the write that is under way; nil: none
	waiting []*overflowed
	live    int                    // how many of waiting are not replaced
	held    int64                  // memory that they occupy, in bytes
	dropped uint64                 // that were not written
	latest  map[string]*overflowed // by topic: those that a newer one replaces

	underWay int // how many of waiting, from the first, are being written
	taken    int // how many the queue took last time
	progress time.Time
}

// overflowed is an event that waits for a queue. One that was replaced is skipped.
type overflowed struct {
	event    messages.Event
	queue    *messages.Queue
	number   uint64
	replaced bool
}

func newOverflow(of *Target, now time.Time) *overflow {
	return &overflow{of: of, latest: map[string]*overflowed{}, progress: now}
}

// add takes an event in, or drops it where that was asked for, and returns how many were
// dropped.
func (o *overflow) add(e messages.Event, q *messages.Queue) (dropped uint64) {
	if e.Overflow == messages.OverflowDrop {
		o.of.limits.Stats.Full.Add(1)
		o.of.Trail.Add(e.Message, "dropped", "the queue "+q.Name+" is full, and the subscription's overflow is drop")
		return 1
	}
	o.wait(e, q)
	o.of.waited++
	added := &overflowed{event: e, queue: q, number: o.of.waited}
	if replaceable(e) {
		o.replace(e.Message.Topic, added)
	}
	o.waiting = append(o.waiting, added)
	o.account(added, 1)
	for o.live > 1 && (o.live > o.of.limits.Overflow || o.of.limits.Budget.Over(o.held)) && o.dropOldest() {
		o.of.limits.Stats.Overflowed.Add(1)
		dropped++
	}
	return dropped
}

// replace takes the event that waits for the same topic out of the count.
func (o *overflow) replace(topic string, by *overflowed) {
	if old, ok := o.latest[topic]; ok {
		old.replaced = true
		o.done(old, "a newer one of its topic has come, and the subscription's overflow is latest")
		o.account(old, -1)
		o.of.limits.Stats.Replaced.Add(1)
	}
	o.latest[topic] = by
	if len(o.waiting) > 2*o.live+batchLimit {
		o.compact()
	}
}

// replaceable says that an event replaces, and is replaced by, others of its topic.
// A retained message does not: it is for its recipients only.
func replaceable(e messages.Event) bool {
	return e.Overflow == messages.OverflowLatest && !e.Message.Retain
}

// compact forgets what was replaced, but for what is being written.
func (o *overflow) compact() {
	rest := slices.DeleteFunc(o.waiting[o.underWay:], func(w *overflowed) bool { return w.replaced })
	o.waiting = o.waiting[:o.underWay+len(rest)]
}

// dropOldest drops the oldest event that is not being written, if there is one.
func (o *overflow) dropOldest() bool {
	for i := o.underWay; i < len(o.waiting); i++ {
		if !o.waiting[i].replaced {
			o.done(o.waiting[i], "too many wait for room (QUEUE_BACKLOG, BACKLOG_MEMORY)")
			o.forget(o.waiting[i])
			o.waiting = slices.Delete(o.waiting, i, i+1)
			return true
		}
	}
	return false
}

// head is what to write next: the oldest events that name the same members,
// at most n, and no further above batchBytes. What has become too old is dropped first.
func (o *overflow) head(n int, now time.Time) (events []messages.Event, queue *messages.Queue) {
	o.expire(now)
	size := int64(0)
	for o.underWay = 0; o.underWay < len(o.waiting) && len(events) < n && size < batchBytes; o.underWay++ {
		w := o.waiting[o.underWay]
		if w.replaced {
			continue
		}
		if queue != nil && !sameQueue(queue, w.queue) {
			break
		}
		queue = w.queue
		events = append(events, w.event)
		size += w.event.Size()
		if o.latest[w.event.Message.Topic] == w {
			delete(o.latest, w.event.Message.Topic)
		}
	}
	return events, queue
}

// expire drops from the head what was replaced or has waited for longer than
// the layer keeps messages.
func (o *overflow) expire(now time.Time) {
	limit := now.Add(-o.of.limits.Expiry)
	for len(o.waiting) > 0 {
		w := o.waiting[0]
		old := w.event.Overflow == messages.OverflowWait && w.event.Message.At.Before(limit)
		if !w.replaced && !old {
			return
		}
		if !w.replaced {
			o.of.limits.Stats.Expired.Add(1)
			o.done(w, fmt.Sprintf("it has waited for room for %v, as long as the layer keeps messages", o.of.limits.Expiry))
			o.dropped++
			o.forget(w)
		}
		o.waiting = o.waiting[1:]
	}
}

// wrote notes that the queue took the first n of the events of head. The rest
// waits on; of a topic's only the newest, where that was asked for.
func (o *overflow) wrote(n int, now time.Time) {
	o.taken = n
	if n > 0 {
		o.progress = now
	}
	for len(o.waiting) > 0 && o.underWay > 0 && (n > 0 || o.waiting[0].replaced) {
		if w := o.waiting[0]; !w.replaced {
			o.of.Trail.Wait(w.event.Message, -1)
			o.forget(w)
			n--
		}
		o.waiting = o.waiting[1:]
		o.underWay--
	}
	for _, w := range o.waiting[:o.underWay] {
		o.reclaim(w)
	}
	o.underWay = 0
}

// reclaim has an event that could not be written replaced by a newer one again.
func (o *overflow) reclaim(w *overflowed) {
	topic := w.event.Message.Topic
	if w.replaced || !replaceable(w.event) {
		return
	}
	if _, newer := o.latest[topic]; !newer {
		o.latest[topic] = w
		return
	}
	w.replaced = true
	o.done(w, "a newer one of its topic has come, and the subscription's overflow is latest")
	o.account(w, -1)
	o.of.limits.Stats.Replaced.Add(1)
}

// forget takes an event that is gone out of the counts.
func (o *overflow) forget(w *overflowed) {
	o.account(w, -1)
	if o.latest[w.event.Message.Topic] == w {
		delete(o.latest, w.event.Message.Topic)
	}
}

// clear drops everything.
func (o *overflow) clear() {
	for _, w := range o.waiting {
		if !w.replaced {
			o.done(w, "the worker stops, or its group's actor was restarted")
			o.account(w, -1)
		}
	}
	o.waiting = nil
}

// wait and done add to the trace of a message that it waits, and why it does no longer.
func (o *overflow) wait(e messages.Event, q *messages.Queue) {
	if e.Message.Trace != 0 {
		o.of.Trail.Add(e.Message, "overflow", "the queue "+q.Name+" is full: its process does not keep up; it waits for room")
		o.of.Trail.Wait(e.Message, 1)
	}
}

func (o *overflow) done(w *overflowed, why string) {
	if w.event.Message.Trace != 0 {
		o.of.Trail.Add(w.event.Message, "dropped", why)
		o.of.Trail.Wait(w.event.Message, -1)
	}
}

func (o *overflow) account(w *overflowed, sign int64) {
	bytes := sign * w.event.Size()
	o.live += int(sign)
	o.held += bytes
	o.of.limits.Stats.InOverflow.Add(sign)
	o.of.limits.Stats.WaitingBytes.Add(bytes)
}

// upTo says whether something waits that came up to that number.
func (o *overflow) upTo(number uint64) bool {
	for _, w := range o.waiting {
		if !w.replaced {
			return w.number <= number
		}
	}
	return false
}

func (o *overflow) empty() bool { return o.live == 0 }

// stuck says that nobody has read the queue for a while.
func (o *overflow) stuck(now time.Time) bool { return now.Sub(o.progress) > stuckAfter }

func sameQueue(a, b *messages.Queue) bool {
	return a == b || a.Name == b.Name && slices.Equal(a.Members, b.Members)
}
