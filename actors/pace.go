package actors

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// pace holds messages of a subscription back for the targets that want at most
// one of each topic within a time: the newest, until that time is over. What is
// held is settled already, lest slow topics use up the broker's receive maximum. Where
// nothing ever was held back there is none, nil.
type pace struct {
	*env
	running map[strand]*interval
	ends    intervals
	held    int64 // memory that all this occupies, in bytes
	alarm   alarm // when the next that is held back is due
}

// strand is one topic for one target.
type strand struct {
	target messages.Target
	topic  string
}

// interval is the time that has to pass after a message, and the newest one that
// came meanwhile.
type interval struct {
	strand
	began, end time.Time
	waiting    *messages.Deliver
	place      int // in the heap
}

// intervalSize is what one is taken to occupy without its message, in bytes.
const intervalSize = 256

func newPace(deps *env) *pace {
	return &pace{env: deps, running: map[strand]*interval{}}
}

// idle says that nothing was passed on within its interval.
func (p *pace) idle() bool { return p == nil || len(p.running) == 0 }

// take says whether a message is to be passed on now, which begins an interval.
// Else it is the pace's, and the message that was held before is dropped.
func (p *pace) take(m messages.Deliver, least time.Duration, now time.Time) bool {
	s := strand{m.Target, m.Event.Message.Topic}
	i, running := p.running[s]
	if running {
		p.adjust(i, least)
	}
	switch {
	case !running:
		p.begin(s, least, now)
		return true
	case now.Before(i.end):
		p.keep(i, m)
		return false
	default: // its end is about to be noticed
		p.replaced(i)
		p.renew(i, least, now)
		return true
	}
}

// passed begins an interval, for a message that is not to be held back, unless
// one is running.
func (p *pace) passed(target messages.Target, topic string, least time.Duration, now time.Time) {
	s := strand{target, topic}
	if _, running := p.running[s]; !running {
		p.begin(s, least, now)
	}
}

// begin notes an interval. Where memory is short it does not: that topic is not
// held back then.
func (p *pace) begin(s strand, least time.Duration, now time.Time) {
	if least <= 0 || p.crowded(p.held) {
		return
	}
	i := &interval{strand: s, began: now, end: now.Add(least)}
	p.running[s] = i
	heap.Push(&p.ends, i)
	p.hold(intervalSize + int64(len(s.topic)))
}

// adjust notes that the target has asked for another interval.
func (p *pace) adjust(i *interval, least time.Duration) {
	if end := i.began.Add(max(0, least)); !end.Equal(i.end) {
		i.end = end
		heap.Fix(&p.ends, i.place)
	}
}

func (p *pace) renew(i *interval, least time.Duration, now time.Time) {
	if least <= 0 {
		p.forget(i)
		return
	}
	i.began, i.end = now, now.Add(least)
	heap.Fix(&p.ends, i.place)
}

// keep holds a message in place of the one before. Where memory is short and there
// is none it is dropped.
func (p *pace) keep(i *interval, m messages.Deliver) {
	if i.waiting == nil && p.crowded(p.held) {
		p.Stats.Overflowed.Add(1)
		p.step(m.Event.Message, "", "dropped", "too much memory is in use (BACKLOG_MEMORY)")
		return
	}
	p.replaced(i)
	if trace := m.Event.Message.Trace; trace != 0 {
		p.traces.park(trace, 1)
	}
	m.Weight = 0
	i.waiting = &m
	p.account(m, 1)
}

func (p *pace) replaced(i *interval) {
	if i.waiting != nil {
		p.step(i.waiting.Event.Message, "", "dropped", "a newer one came before the min_interval of "+i.target.String()+" was over")
		p.drop(i)
		p.Stats.Replaced.Add(1)
	}
}

func (p *pace) drop(i *interval) {
	if trace := i.waiting.Event.Message.Trace; trace != 0 {
		p.traces.park(trace, -1)
	}
	p.account(*i.waiting, -1)
	i.waiting = nil
}

// over returns the messages whose time has come.
func (p *pace) over(now time.Time) (due []messages.Deliver) {
	for len(p.ends) > 0 && !now.Before(p.ends[0].end) {
		i := p.ends[0]
		if i.waiting == nil {
			p.forget(i)
			continue
		}
		due = append(due, *i.waiting)
		p.drop(i)
		p.renew(i, i.end.Sub(i.began), now)
	}
	return due
}

// release returns what is held for targets, in the order in which it came, and
// forgets them.
func (p *pace) release(of func(messages.Target) bool) (due []messages.Deliver) {
	if p == nil {
		return nil
	}
	for s, i := range p.running {
		if !of(s.target) {
			continue
		}
		if i.waiting != nil {
			due = append(due, *i.waiting)
			p.drop(i)
		}
		p.forget(i)
	}
	slices.SortFunc(due, func(a, b messages.Deliver) int { return cmp.Compare(a.Token.Seq, b.Token.Seq) })
	return due
}

// wake sets the alarm to when over has something to do, if ever.
func (p *pace) wake(ctx actor.Context) {
	switch {
	case p == nil:
	case len(p.ends) == 0:
		p.alarm.set(ctx, time.Time{})
	default:
		p.alarm.set(ctx, p.ends[0].end)
	}
}

// stop ends the alarm.
func (p *pace) stop() {
	if p != nil {
		p.alarm.stop()
	}
}

func (p *pace) forget(i *interval) {
	heap.Remove(&p.ends, i.place)
	delete(p.running, i.strand)
	p.hold(-intervalSize - int64(len(i.topic)))
}

func (p *pace) account(m messages.Deliver, sign int64) {
	p.Stats.Paced.Add(sign)
	p.hold(sign * sizeOf(m.Event))
}

func (p *pace) hold(bytes int64) {
	p.held += bytes
	p.Stats.WaitingBytes.Add(bytes)
}

// intervals are a heap by their end.
type intervals []*interval

// Len implements heap.Interface.
func (h intervals) Len() int { return len(h) }

// Less implements heap.Interface.
func (h intervals) Less(a, b int) bool { return h[a].end.Before(h[b].end) }

// Swap implements heap.Interface.
func (h intervals) Swap(a, b int) {
	h[a], h[b] = h[b], h[a]
	h[a].place, h[b].place = a, b
}

// Push implements heap.Interface.
func (h *intervals) Push(x any) {
	i := x.(*interval)
	i.place = len(*h)
	*h = append(*h, i)
}

// Pop implements heap.Interface.
func (h *intervals) Pop() any {
	old := *h
	i := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return i
}
