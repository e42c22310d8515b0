// Package throttle holds messages back for those who want at most one of each topic within
// a time.
package throttle

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"chanmqttproxy/actors/stats"
	"chanmqttproxy/actors/trail"
	"chanmqttproxy/messages"
)

// Throttle holds messages of a subscription back for the targets that want at most
// one of each topic within a time: the newest, until that time is over. What is
// held is settled already, so that slow topics don't exhaust the broker's receive maximum.
type Throttle struct {
	Trail   trail.Trail // of what is held back and dropped
	stats   *stats.Stats
	budget  stats.Budget
	running map[topicKey]*window
	ends    windows
	held    int64 // memory that all this occupies, in bytes
}

// topicKey is one topic for one target.
type topicKey struct {
	target messages.Target
	topic  string
}

// window is the time that has to pass after a message, and the newest one that
// came meanwhile.
type window struct {
	topicKey
	began, end time.Time
	waiting    *messages.Deliver
	place      int // in the heap
}

// windowSize is what one is taken to occupy without its message, in bytes.
const windowSize = 256

// New makes a throttle that holds nothing back yet.
func New(s *stats.Stats, budget stats.Budget) *Throttle {
	return &Throttle{stats: s, budget: budget, running: map[topicKey]*window{}}
}

// Idle says that nothing was passed on within its window.
func (t *Throttle) Idle() bool { return len(t.running) == 0 }

// Take says whether a message is to be passed on now, which begins a window.
// Else it is the throttle's, and the message that was held before is dropped.
func (t *Throttle) Take(m messages.Deliver, least time.Duration, now time.Time) bool {
	s := topicKey{m.Target, m.Event.Message.Topic}
	i, running := t.running[s]
	if running {
		t.adjust(i, least)
	}
	switch {
	case !running:
		t.startWindow(s, least, now)
		return true
	case now.Before(i.end):
		t.keep(i, m)
		return false
	default: // its end is about to be noticed
		t.replaced(i)
		t.renew(i, least, now)
		return true
	}
}

// Passed begins a window, for a message that is not to be held back, unless
// one is running.
func (t *Throttle) Passed(target messages.Target, topic string, least time.Duration, now time.Time) {
	s := topicKey{target, topic}
	if _, running := t.running[s]; !running {
		t.startWindow(s, least, now)
	}
}

// startWindow starts a window, unless memory is short: then the topic is not
// held back then.
func (t *Throttle) startWindow(s topicKey, least time.Duration, now time.Time) {
	if least <= 0 || t.budget.Over(t.held) {
		return
	}
	i := &window{topicKey: s, began: now, end: now.Add(least)}
	t.running[s] = i
	heap.Push(&t.ends, i)
	t.hold(windowSize + int64(len(s.topic)))
}

// adjust notes that the target has asked for another time.
func (t *Throttle) adjust(i *window, least time.Duration) {
	if end := i.began.Add(max(0, least)); !end.Equal(i.end) {
		i.end = end
		heap.Fix(&t.ends, i.place)
	}
}

func (t *Throttle) renew(i *window, least time.Duration, now time.Time) {
	if least <= 0 {
		t.forget(i)
		return
	}
	i.began, i.end = now, now.Add(least)
	heap.Fix(&t.ends, i.place)
}

// keep holds a message in place of the one before. Where memory is short and there
// is none it is dropped.
func (t *Throttle) keep(i *window, m messages.Deliver) {
	if i.waiting == nil && t.budget.Over(t.held) {
		t.stats.Overflowed.Add(1)
		t.Trail.Add(m.Event.Message, "dropped", "too much memory is in use (BACKLOG_MEMORY)")
		return
	}
	t.replaced(i)
	t.Trail.Wait(m.Event.Message, 1)
	m.Weight = 0
	i.waiting = &m
	t.account(m, 1)
}

func (t *Throttle) replaced(i *window) {
	if i.waiting != nil {
		t.Trail.Add(i.waiting.Event.Message, "dropped", "a newer one came before the min_interval of "+i.target.String()+" was over")
		t.drop(i)
		t.stats.Replaced.Add(1)
	}
}

func (t *Throttle) drop(i *window) {
	t.Trail.Wait(i.waiting.Event.Message, -1)
	t.account(*i.waiting, -1)
	i.waiting = nil
}

// Due returns the messages whose time has come.
func (t *Throttle) Due(now time.Time) (due []messages.Deliver) {
	for len(t.ends) > 0 && !now.Before(t.ends[0].end) {
		i := t.ends[0]
		if i.waiting == nil {
			t.forget(i)
			continue
		}
		due = append(due, *i.waiting)
		t.drop(i)
		t.renew(i, i.end.Sub(i.began), now)
	}
	return due
}

// Release returns what is held for targets, in the order in which it came, and
// forgets them.
func (t *Throttle) Release(of func(messages.Target) bool) (due []messages.Deliver) {
	for s, i := range t.running {
		if !of(s.target) {
			continue
		}
		if i.waiting != nil {
			due = append(due, *i.waiting)
			t.drop(i)
		}
		t.forget(i)
	}
	slices.SortFunc(due, func(a, b messages.Deliver) int { return cmp.Compare(a.Token.Seq, b.Token.Seq) })
	return due
}

// Next is when Due has something to do; zero: never.
func (t *Throttle) Next() time.Time {
	if len(t.ends) == 0 {
		return time.Time{}
	}
	return t.ends[0].end
}

func (t *Throttle) forget(i *window) {
	heap.Remove(&t.ends, i.place)
	delete(t.running, i.topicKey)
	t.hold(-windowSize - int64(len(i.topic)))
}

func (t *Throttle) account(m messages.Deliver, sign int64) {
	t.stats.Paced.Add(sign)
	t.hold(sign * m.Event.Size())
}

func (t *Throttle) hold(bytes int64) {
	t.held += bytes
	t.stats.WaitingBytes.Add(bytes)
}
