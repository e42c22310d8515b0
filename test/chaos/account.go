// Package chaos breaks what the worker depends on, and the worker itself, under
// load, and keeps an account of every message: real Redis, real broker, the
// real program. The scenarios are this package's tests; soak runs them mixed,
// for as long as one likes.
package chaos

import (
	"slices"
	"sync"
	"time"
)

// Account is the ledger of one direction: messages that are numbered from 0 on
// each topic, sent, acknowledged to their sender, and delivered to each of
// several receivers. All its methods may be called from any goroutine.
type Account struct {
	mu     sync.Mutex
	topics map[string]*sheet
	names  []string // the receivers
	stray  int
	excuse [2]time.Time // what was sent in between need not come
}

// sheet is one topic.
type sheet struct {
	sent []entry
	got  map[string]*receipts
}

// entry is one message as its sender knows it.
type entry struct {
	at    time.Time
	acked bool
}

// receipts are what one receiver got of a topic.
type receipts struct {
	first   map[int]time.Time
	repeats []Repeat
	last    int // the highest number so far
	late    int // first copies that came after a higher number
	before  int // the number that came before
	skips   []Skip
}

// Repeat is a copy of a message that a receiver had already.
type Repeat struct {
	Receiver, Topic string
	Number          int
	First, Again    time.Time
}

// Skip is a message that did not come after the one before it, nor began a repetition:
// From, and then To.
type Skip struct {
	Receiver, Topic string
	From, To        int
	At              time.Time
}

// NewAccount opens an account for receivers that must each get everything.
func NewAccount(receivers ...string) *Account {
	return &Account{topics: map[string]*sheet{}, names: receivers}
}

// Send enters the next message of a topic, which is about to be sent, and
// returns its number.
func (a *Account) Send(topic string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.topics[topic]
	if s == nil {
		s = &sheet{got: map[string]*receipts{}}
		for _, name := range a.names {
			s.got[name] = &receipts{first: map[int]time.Time{}, last: -1, before: -1}
		}
		a.topics[topic] = s
	}
	s.sent = append(s.sent, entry{at: time.Now()})
	return len(s.sent) - 1
}

// Acked enters that the sender was told that its message is safe.
func (a *Account) Acked(topic string, number int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.topics[topic].sent[number].acked = true
}

// Excuse says that what was sent in a span of time need not come.
func (a *Account) Excuse(from, to time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.excuse = [2]time.Time{from, to}
}

// excused says whether a message need not come.
func (a *Account) excused(e entry) bool { return e.at.After(a.excuse[0]) && e.at.Before(a.excuse[1]) }

// Deliver enters that a receiver got a message.
func (a *Account) Deliver(receiver, topic string, number int) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.topics[topic]
	if s == nil || number < 0 || number >= len(s.sent) || s.got[receiver] == nil {
		a.stray++
		return
	}
	s.got[receiver].enter(receiver, topic, number, now)
}

func (r *receipts) enter(receiver, topic string, number int, now time.Time) {
	if number > r.before+1 {
		r.skips = append(r.skips, Skip{receiver, topic, r.before, number, now})
	}
	r.before = number
	if first, ok := r.first[number]; ok {
		r.repeats = append(r.repeats, Repeat{receiver, topic, number, first, now})
		return
	}
	r.first[number] = now
	if number < r.last {
		r.late++
	}
	r.last = max(r.last, number)
}

// Sum is an account added up. Sent and Acked count messages; the others count
// messages times receivers.
type Sum struct {
	// Excused are those of them that need not have come: they are not Acked.
	Sent, Acked, Excused int
	// Delivered are first copies; Lost were acknowledged and never came; Stray
	// are what nobody sent, or not there.
	Delivered, Lost, Stray int
	// Late are first copies that came after a higher number of their topic.
	Late    int
	Repeats []Repeat
	// Skips are where a topic did not go on with the next message. What two session slots
	// have both comes in two runs, one after the other, and not in turns. One slot may
	// break off what it repeats, where the broker had some acknowledgements meanwhile.
	Skips []Skip
}

// Sum adds the account up as it is now.
func (a *Account) Sum() Sum {
	a.mu.Lock()
	defer a.mu.Unlock()
	sum := Sum{Stray: a.stray}
	for _, s := range a.topics {
		sum.Sent += len(s.sent)
		for _, r := range s.got {
			sum.Delivered += len(r.first)
			sum.Late += r.late
			sum.Repeats = append(sum.Repeats, r.repeats...)
			sum.Skips = append(sum.Skips, r.skips...)
		}
		for number, e := range s.sent {
			if a.excused(e) {
				sum.Excused++
				e.acked = false
			}
			sum.add(s, number, e)
		}
	}
	return sum
}

func (sum *Sum) add(s *sheet, number int, e entry) {
	if !e.acked {
		return
	}
	sum.Acked++
	for _, r := range s.got {
		if _, ok := r.first[number]; !ok {
			sum.Lost++
		}
	}
}

// Missing names at most so many messages that were acknowledged and have not
// come, for a person to look for.
func (a *Account) Missing(most int) []Repeat {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []Repeat
	for topic, s := range a.topics {
		for number, e := range s.sent {
			for name, r := range s.got {
				if _, ok := r.first[number]; e.acked && !a.excused(e) && !ok && len(list) < most {
					list = append(list, Repeat{Receiver: name, Topic: topic, Number: number, First: e.at})
				}
			}
		}
	}
	return list
}

// Latencies are the times from sending to delivery of the messages that one
// receiver got and that were sent in a span of time, sorted.
func (a *Account) Latencies(receiver string, from, to time.Time) []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []time.Duration
	for _, s := range a.topics {
		for number, at := range s.got[receiver].first {
			if sent := s.sent[number].at; sent.After(from) && sent.Before(to) {
				list = append(list, at.Sub(sent))
			}
		}
	}
	slices.Sort(list)
	return list
}

// Percentile is the value that p (0 to 1) of a sorted list do not exceed; 0 of
// an empty one.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

// Values are the numbers that a receiver got of a topic, repeats aside, in
// ascending order.
func (a *Account) Values(receiver, topic string) []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.topics[topic]
	if s == nil || s.got[receiver] == nil {
		return nil
	}
	var list []int
	for number := range s.got[receiver].first {
		list = append(list, number)
	}
	slices.Sort(list)
	return list
}
