package placement_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// tick is the step of the simulation's clock.
const tick = 10 * time.Millisecond

// table is one of the tables in Redis.
type table struct {
	life    string
	number  uint64
	entries map[string]*row
}

type row struct {
	number uint64
	change messages.Change
	gone   bool
}

// redis are the tables, and the leases, which it never loses here.
type redis struct {
	tables map[int]*table
	lives  int
	lease  map[int]*lease
}

type lease struct {
	epoch  uint64
	holder *process
	until  int // the tick
}

// session is one at the MQTT broker.
type session struct {
	filters map[string]bool
	queue   []packet // not acknowledged
	sent    int      // of the queue, on the live connection
	live    *holder
}

// packet is a message.
type packet struct {
	topic         string
	n             int
	at            int    // the tick at which it can be there
	epoch         uint64 // of the holder whose marker it is; 0: it is none
	resubscribing string // a Resubscribing marker of this filter, in that layout
	layout        uint64
}

// process is a worker.
type process struct {
	name    string
	view    *placement.View
	holds   map[int]*holder
	dead    bool
	frozen  bool
	wakes   int // the tick at which a short stop ends
	reading int // the tick at which it reads the tables next
	lag     int // quick or slow
}

// world is everything.
type world struct {
	*testing.T
	*rand.Rand
	seed     uint64
	overlaps bool // a history of filters that overlap, which are unsubscribed again and again
	forgets  bool // the broker forgets with a connection which filters a session has
	now      int
	redis    redis
	sessions map[int]*session
	workers  []*process
	wanted   int // sessions
	layout   int // as the leases have it
	before   int // by which layout an older version has left the sessions; 0: there was none
	leased   int // slots that are leased

	commands  []*command
	published map[string]int
	// due are the messages that a target is to get, and by which of its filters.
	due      map[delivery]map[int][]string
	got      map[delivery][]taken
	granted  map[subscription]bool // answered, and not unsubscribed since
	last     map[subscription]*command
	cut      map[delivery]int // what was published before is in no order
	layouts  []messages.Epoch
	zeroDied bool
	answers  map[int]int
	trace    []string
	faults   mutation
	flushed  int // the tick of the last FLUSHALL
	stirred  int // the last tick at which a slot or a layout came, or a command was answered
	rest     int // what is published after that many of overlaps comes exactly once; 0: not yet
	issued   []*command
	faulty   []string
}

type subscription struct{ filter, target string }

type delivery struct{ target, topic string }

// taken is a message that was handed over by a slot.
type taken struct {
	slot  int
	epoch uint64
	n     int
}

type command struct {
	id     int
	filter string
	target string
	gone   bool   // unsubscribe
	number uint64 // of the registry when it was written
	asked  uint64 // of the filter then
	stored bool
}

func target(name string) messages.Target { return messages.Target{Kind: messages.Group, Name: name} }

func newWorld(t *testing.T, seed uint64, faults mutation) *world {
	return &world{
		T: t, Rand: rand.New(rand.NewPCG(seed, 11)), seed: seed, overlaps: seed%3 == 2, forgets: seed%5 == 1, flushed: -1000, faults: faults,
		redis:    redis{tables: map[int]*table{}, lease: map[int]*lease{}},
		sessions: map[int]*session{}, wanted: 1, layout: 1, leased: 1,
		published: map[string]int{}, due: map[delivery]map[int][]string{}, got: map[delivery][]taken{}, granted: map[subscription]bool{}, last: map[subscription]*command{}, cut: map[delivery]int{}, answers: map[int]int{},
	}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%5d ", w.now)+fmt.Sprintf(format, args...))
}

// --- Redis ---

func (r *redis) table(number int) *table {
	t := r.tables[number]
	if t == nil {
		t = &table{entries: map[string]*row{}}
		r.tables[number] = t
	}
	return t
}

// keyOf is the entry that a change is about, and whether it takes it away.
func keyOf(c messages.Change) (key string, gone bool) {
	switch {
	case c.Put != nil:
		return fmt.Sprint("put ", c.Put.Filter, " ", c.Put.Target), false
	case c.Remove != nil:
		return fmt.Sprint("put ", c.Remove.Filter, " ", c.Remove.Target), true
	case c.Leaving != "":
		return "leaving " + c.Leaving, false
	case c.Gone != "":
		return "leaving " + c.Gone, true
	case c.Filter != nil:
		return "filter " + c.Filter.Filter, false
	case c.Forget != "":
		return "filter " + c.Forget, true
	case c.Status != nil:
		return "status", false
	default:
		return "epochs", false
	}
}

// write stores changes; false: refused.
func (w *world) write(h *holder, changes []messages.Change) (number uint64, ok bool) {
	l := w.redis.lease[h.slot]
	if l.epoch != h.epoch || w.now > l.until {
		return 0, false
	}
	for _, n := range []int{messages.RegistryTable, h.slot} {
		t := w.redis.table(n)
		var own []messages.Change
		for _, c := range changes {
			if (c.Filter != nil || c.Forget != "" || c.Status != nil) == (n == h.slot) {
				own = append(own, c)
			}
		}
		if n == messages.RegistryTable && h.slot > 0 || n == h.slot && h.alone || len(own) == 0 && (t.life != "" || h.process.view.Known(n + 1)[n+1].Number == 0) {
			continue
		}
		if t.life == "" { // it was lost, or never was: all is written
			w.redis.lives++
			t.life = fmt.Sprint("life ", w.redis.lives)
			t.number = max(t.number, h.process.view.Known(n + 1)[n+1].Number)
			var all []messages.Change
			switch {
			case n != messages.RegistryTable:
				all = h.process.view.Statuses(h.slot)
			case h.process.view.Epoch().Number > 0:
				all = h.process.view.Registry()
			}
			own = append(all, own...)
		}
		for _, c := range own {
			t.number++
			key, gone := keyOf(c)
			t.entries[key] = &row{t.number, c, gone}
		}
		if n == messages.RegistryTable {
			number = t.number
		}
	}
	return number, true
}

// mutated is a status as the mutation has it read.
func (w *world) mutated(s messages.SlotStatus) messages.SlotStatus {
	switch w.faults {
	case endUnsaid:
		s.Ended = pending
	case disagree:
		s.Epoch = pending
	}
	return s
}

// pages are what is new in the tables.
func (w *world) pages(known []messages.Position) (pages []messages.Page) {
	for i, at := range known {
		t := w.redis.tables[i-1]
		if t == nil || t.life == "" || t.life == at.Life && t.number == at.Number {
			continue
		}
		p := page{Table: i - 1, At: at}
		if t.life != at.Life {
			p.Reset, p.At = true, messages.Position{Life: t.life}
		}
		keys := slices.SortedFunc(maps.Keys(t.entries), func(a, b string) int { return cmp.Compare(t.entries[a].number, t.entries[b].number) })
		for _, key := range keys {
			r := t.entries[key]
			if key == "epochs" && r.change.Epochs != nil {
				p.Epochs = r.change.Epochs
			}
			if key == "status" {
				p.Status = w.mutated(*r.change.Status)
			}
			if r.number <= p.At.Number && !p.Reset || key == "status" || key == "epochs" || p.Reset && r.gone {
				continue
			}
			p.add(r)
		}
		for i := range p.Stored {
			if w.faults == sinceEver {
				p.Stored[i].Since = 1
			}
		}
		p.At.Number = t.number
		pages = append(pages, messages.Page(p))
	}
	return pages
}

type page messages.Page

// add puts an entry into a page.
func (p *page) add(r *row) {
	switch c := r.change; {
	case c.Put != nil && r.gone, c.Remove != nil:
		s := c.Remove
		p.Removed = append(p.Removed, *s)
	case c.Put != nil:
		s := *c.Put
		s.Number = r.number
		p.Stored = append(p.Stored, s)
	case c.Leaving != "":
		p.Leaving = append(p.Leaving, messages.Leaving{Filter: c.Leaving, Number: r.number})
	case c.Gone != "":
		p.Gone = append(p.Gone, c.Gone)
	case c.Filter != nil:
		p.Filters = append(p.Filters, *c.Filter)
	case c.Forget != "":
		p.Forgotten = append(p.Forgotten, c.Forget)
	}
}

// --- the broker ---

func (w *world) session(slot int) *session {
	s := w.sessions[slot]
	if s == nil {
		s = &session{filters: map[string]bool{}}
		w.sessions[slot] = s
	}
	return s
}

// publish sends a message to each session that has a filter for it.
func (w *world) publish(name string) {
	w.published[name]++
	p := packet{topic: name, n: w.published[name], at: w.now + w.IntN(9)}
	for s := range w.granted {
		if topic.Match(s.filter, name) {
			at := delivery{s.target, name}
			if w.due[at] == nil {
				w.due[at] = map[int][]string{}
			}
			w.due[at][p.n] = append(w.due[at][p.n], s.filter)
		}
	}
	var by []int
	defer func() { w.note("published %s %d to %v", name, p.n, by) }()
	for _, slot := range slices.Sorted(maps.Keys(w.sessions)) {
		s := w.sessions[slot]
		for f := range s.filters {
			if topic.Match(f, name) {
				s.queue = append(s.queue, p)
				by = append(by, slot)
				break
			}
		}
	}
}
