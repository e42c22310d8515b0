package probe

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"chanmqttproxy/messages"
)

// Leases is a model of the leases of session slots in Redis, which does what the script
// of the layer does. Now is its clock. It is not safe for several goroutines.
type Leases struct {
	Now func() time.Time

	workers  map[string]*worker
	slots    map[int]*lease
	sessions int
	before   int
	giving   int64
	lost     int64
}

type worker struct {
	end           int64
	down, leaving bool
	name          string
	requestSeq    uint64
	count         int
	older         bool // than who asks
}

type lease struct {
	holder string
	epoch  uint64
	end    int64
}

// NewLeases makes a model without leases.
func NewLeases(now func() time.Time) *Leases {
	l := &Leases{Now: now}
	l.Lose()
	return l
}

// Lose has it forget everything.
func (l *Leases) Lose() {
	l.workers, l.slots = map[string]*worker{}, map[int]*lease{}
	l.sessions, l.before, l.giving, l.lost = 0, 0, 0, 0
}

var errOvertaken = errors.New("overtaken by a later question of the same worker")

// Lease answers a worker.
func (l *Leases) Lease(ask messages.LeaseAsk) (messages.LeaseAnswer, error) {
	now, length := l.Now().UnixMilli(), ask.Lease.Milliseconds()
	if w := l.workers[ask.Worker]; w != nil && w.end > now && w.requestSeq > ask.RequestSeq {
		return messages.LeaseAnswer{}, errOvertaken
	}
	alive, gone := 0, 0
	maps.DeleteFunc(l.workers, func(name string, w *worker) bool {
		switch {
		case w.end > now:
			alive++
		case name != ask.Worker:
			gone++
		}
		return w.end <= now
	})
	me := &worker{end: now + length, down: ask.Down, leaving: ask.Leaving, name: ask.Name, requestSeq: ask.RequestSeq}
	l.workers[ask.Worker] = me
	elder := false
	for id, w := range l.workers {
		w.count, w.older = 0, formatOf(id) < formatOf(ask.Worker)
		elder = elder || w.older && !w.leaving
	}
	reigns, empty := l.held(ask.Worker, now)
	me.leaving = me.leaving || reigns || elder && empty
	remembers := ask.Sent.UnixMilli() > 0
	if remembers && (l.sessions == 0 || alive == 0 && gone > 0) {
		l.lost = now + length
	}
	late := remembers && now-ask.Sent.UnixMilli() > length/2
	if elder || reigns {
		ask.Propose = false
	}
	l.layout(ask, late, now)
	free := l.renew(ask, late, now, now+length)
	left := len(free)
	if !late && l.lost <= now && !elder {
		left -= l.take(ask, me, free, now, now+length)
	}
	give := -1
	if left == 0 {
		give = l.give(ask.Worker, me, reigns, now, now+4*length)
	}
	answer := messages.LeaseAnswer{
		Now: time.UnixMilli(now), Until: time.UnixMilli(now + length), Give: give,
		Layout: messages.Layout{Sessions: l.sessions, Before: l.before}, Workers: len(l.workers),
	}
	if ask.Leaving && me.count == 0 {
		delete(l.workers, ask.Worker)
	}
	l.fill(&answer, ask.Worker, now)
	return answer, nil
}

// formatOf is the number of what a worker stores.
func formatOf(worker string) int {
	number, _, _ := strings.Cut(worker, ".")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 1
	}
	return n
}

// held says whether older workers than one hold anything, and whether it holds nothing.
func (l *Leases) held(worker string, now int64) (older, empty bool) {
	empty = true
	for _, s := range l.slots {
		older = older || s.holder != "" && s.end > now && formatOf(s.holder) < formatOf(worker)
		empty = empty && s.holder != worker
	}
	return older, empty
}

func (l *Leases) layout(ask messages.LeaseAsk, late bool, now int64) {
	if l.sessions == 0 {
		l.sessions = ask.Sessions
	}
	unsure := l.lost > now
	switch {
	case unsure && !late && ask.Layout.Sessions > 0 && l.claimsFirst(ask):
		l.sessions, l.before = ask.Layout.Sessions, ask.Layout.Before
	case ask.Propose && l.sessions != ask.Sessions && !unsure:
		l.sessions, l.before = ask.Sessions, max(l.sessions, l.before)
	}
	if first := l.slots[0]; first != nil && first.holder == ask.Worker && ask.Layout.Sessions == l.sessions {
		l.before = ask.Layout.Before
	}
	maps.DeleteFunc(l.slots, func(n int, _ *lease) bool { return n >= l.count() })
}

// claimsFirst says whether a worker holds the first slot, or remembers that it does.
func (l *Leases) claimsFirst(ask messages.LeaseAsk) bool {
	first := l.slots[0]
	if first != nil && first.holder != "" {
		return first.holder == ask.Worker
	}
	return slices.ContainsFunc(ask.Held, func(s messages.Slot) bool { return s.Number == 0 && s.Epoch > 0 }) &&
		!slices.Contains(ask.Doubtful, 0) && !slices.Contains(ask.Release, 0)
}

func (l *Leases) count() int { return max(l.sessions, l.before) }

// renew keeps what is the worker's, and returns what is nobody's.
func (l *Leases) renew(ask messages.LeaseAsk, late bool, now, end int64) (free []int) {
	claims := map[int]uint64{}
	for _, s := range ask.Held {
		if late || l.lost > now && slices.Contains(ask.Doubtful, s.Number) {
			continue
		}
		claims[s.Number] = s.Epoch
	}
	for n := range l.count() {
		s := l.slots[n]
		if s == nil {
			s = &lease{}
			l.slots[n] = s
		}
		released := slices.Contains(ask.Release, n)
		switch {
		case s.holder == ask.Worker && released:
			*s = lease{epoch: s.epoch}
			l.giving = 0
		case s.holder == ask.Worker, s.holder == "" && claims[n] >= s.epoch && claims[n] > 0 && !released:
			s.holder, s.epoch, s.end = ask.Worker, max(s.epoch, claims[n]), end
		}
		if s.holder == "" || s.end <= now {
			free = append(free, n)
		} else if w := l.workers[s.holder]; w != nil {
			w.count++
		}
	}
	return free
}

// share is for how many workers the slots are; takes says whether one is among them.
func (l *Leases) share() (n int, takes func(*worker) bool) {
	able, reaching := 0, 0
	for _, w := range l.workers {
		if !w.leaving && !w.older {
			able++
			if !w.down {
				reaching++
			}
		}
	}
	n = able
	if reaching > 0 {
		n = reaching
	}
	return max(n, 1), func(w *worker) bool { return !w.leaving && !w.older && (!w.down || reaching == 0) }
}

func (l *Leases) take(ask messages.LeaseAsk, me *worker, free []int, now, end int64) (taken int) {
	share, takes := l.share()
	if !takes(me) {
		return 0
	}
	most := (l.count() + share - 1) / share
	for _, n := range free {
		if me.count < most && !slices.Contains(ask.Cooling, n) && !slices.Contains(ask.Release, n) {
			s := l.slots[n]
			s.holder, s.epoch, s.end = ask.Worker, max(s.epoch+1, uint64(now)), end
			me.count++
			taken++
		}
	}
	return taken
}

// give is a slot to hand over, one at a time in the whole.
func (l *Leases) give(id string, me *worker, reigns bool, now, until int64) int {
	_, takes := l.share()
	if l.giving > now || me.count == 0 || !reigns && (me.leaving || l.before > 0 && takes(me)) {
		return -1
	}
	poor := reigns
	for other, w := range l.workers {
		poor = poor || other != id && takes(w) && (!takes(me) || w.count+1 < me.count)
	}
	if !poor {
		return -1
	}
	l.giving = until
	give := -1
	for n := range l.count() {
		if l.slots[n].holder == id && (give < 0 || !reigns) { // an older worker gets the first slot first
			give = n
		}
	}
	return give
}

func (l *Leases) fill(a *messages.LeaseAnswer, id string, now int64) {
	for n := range l.count() {
		s := l.slots[n]
		f := messages.SlotInfo{Number: n, Epoch: s.epoch}
		if left := time.Duration(s.end-now) * time.Millisecond; s.holder != "" && left > 0 {
			f.Holder, f.Left = s.holder, left
			if w := l.workers[s.holder]; w != nil {
				f.Name = w.name
			}
		}
		a.Slots = append(a.Slots, f)
		switch {
		case f.Holder == id:
			a.Held = append(a.Held, messages.Slot{Number: n, Epoch: s.epoch})
		case f.Left > 0 && (a.Soonest == 0 || f.Left < a.Soonest):
			a.Soonest = f.Left
		}
	}
}
