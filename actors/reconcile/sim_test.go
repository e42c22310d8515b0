package reconcile_test

import (
	"fmt"
	"iter"
	"math/rand"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors/reconcile"
)

// server is a simulated MQTT broker with its faults.
type server struct {
	forbidden map[string]bool
	packet    int  // filters that it takes in one SUBSCRIBE; 0: any number
	limit     int  // subscriptions of one session; 0: any number
	keeps     bool // the session, over connections
	manner    manner
	losses    int // connections that the network loses meanwhile
}

// manner is how a server meets what it does not take.
type manner byte

const (
	closes manner = iota
	silent
	refuses
)

const (
	roundTrip = 5 * time.Millisecond
	dialling  = 30 * time.Millisecond
	backOff   = 200 * time.Millisecond
)

// world is a Plan at a server, on a clock of its own.
type world struct {
	*testing.T
	server
	rand    *rand.Rand
	plan    *reconcile.Plan
	entries map[string]*reconcile.Entry
	now     time.Time

	up      bool
	dial    time.Time // when the next connection is made
	wake    time.Time
	answers []answer
	session map[string]bool
	lossAt  time.Time
	results map[string]reconcile.Kind
	told    []reconcile.Result
	hangups int
	packets []int
	granted map[string]time.Time
}

type answer struct {
	at    time.Time
	id    uint64
	names []string
}

func newWorld(t *testing.T, s server, seed int64, n, batch int) *world {
	w := &world{
		T: t, server: s, rand: rand.New(rand.NewSource(seed)), plan: reconcile.New(batch), now: time.Unix(1e9, 0),
		entries: map[string]*reconcile.Entry{}, session: map[string]bool{}, results: map[string]reconcile.Kind{}, granted: map[string]time.Time{},
	}
	for i := range n {
		w.ask(fmt.Sprintf("f/%03d", i))
	}
	w.dial = w.now.Add(dialling)
	w.nextLoss()
	return w
}

func (w *world) ask(name string) {
	e := w.entries[name]
	if e == nil {
		e = &reconcile.Entry{Filter: name}
		w.entries[name] = e
	}
	w.plan.Ask(e, w.now)
	w.step()
}

func (w *world) drop(name string) {
	e := w.entries[name]
	w.plan.Drop(e)
	delete(w.entries, name)
	delete(w.session, name)
	delete(w.results, name)
	w.plan.Gone(e)
	w.step()
}

func (w *world) nextLoss() {
	w.lossAt = time.Time{}
	if w.losses > 0 {
		w.losses--
		w.lossAt = w.now.Add(time.Duration(w.rand.Int63n(int64(time.Second))))
	}
}

func (w *world) all() iter.Seq[*reconcile.Entry] {
	return func(yield func(*reconcile.Entry) bool) {
		for _, e := range w.entries {
			if !yield(e) {
				return
			}
		}
	}
}

// step does what the plan says.
func (w *world) step() {
	s := w.plan.Next(w.now)
	for _, v := range s.Results {
		w.told = append(w.told, v)
		w.results[v.Entry.Filter] = v.Kind
		if v.Kind == reconcile.Accepted {
			delete(w.results, v.Entry.Filter)
		}
	}
	w.wake = s.Wake
	for _, r := range s.Send {
		w.packets = append(w.packets, len(r.Entries))
		a := answer{at: w.now.Add(roundTrip), id: r.ID}
		for _, e := range r.Entries {
			a.names = append(a.names, e.Filter)
		}
		w.answers = append(w.answers, a)
	}
}

// run lets time pass, from one event to the next.
func (w *world) run(d time.Duration) {
	for end := w.now.Add(d); ; {
		at := end
		sooner := func(t time.Time) {
			if !t.IsZero() && t.Before(at) {
				at = t
			}
		}
		if w.up {
			sooner(w.wake)
			sooner(w.lossAt)
			if len(w.answers) > 0 {
				sooner(w.answers[0].at)
			}
		} else {
			sooner(w.dial)
		}
		if at.After(w.now) {
			w.now = at
		}
		if !w.now.Before(end) {
			return
		}
		switch {
		case !w.up:
			w.up = true
			present := w.keeps && len(w.session) > 0
			if !w.keeps {
				clear(w.session)
			}
			w.plan.Connected("server", present, w.all(), w.now)
		case !w.lossAt.IsZero() && !w.now.Before(w.lossAt):
			w.nextLoss()
			w.lost()
		case len(w.answers) > 0 && !w.now.Before(w.answers[0].at):
			a := w.answers[0]
			w.answers = w.answers[1:]
			w.meet(a)
		}
		if w.up {
			w.step()
		}
	}
}

// meet is what the server does with a SUBSCRIBE.
func (w *world) meet(a answer) {
	bad := w.packet > 0 && len(a.names) > w.packet
	fresh := 0
	for _, n := range a.names {
		bad = bad || w.forbidden[n] && w.manner != refuses
		if !w.session[n] && !w.forbidden[n] {
			fresh++
		}
	}
	full := w.limit > 0 && len(w.session)+fresh > w.limit
	switch {
	case bad && w.manner == silent, full && w.manner == silent:
	case bad && w.manner == refuses:
		w.plan.Answered(a.id, slices.Repeat([]byte{0x97}, len(a.names)), w.now)
	case bad, full && w.manner == closes:
		w.hangups++
		w.lost()
	default:
		codes := make([]byte, len(a.names))
		for i, n := range a.names {
			if w.forbidden[n] {
				codes[i] = 0x87
				continue
			}
			if !w.session[n] && w.limit > 0 && len(w.session) >= w.limit {
				codes[i] = 0x97
				continue
			}
			if !w.session[n] {
				w.session[n] = true
				w.granted[n] = w.now
			}
		}
		w.plan.Answered(a.id, codes, w.now)
	}
}

func (w *world) lost() {
	w.up, w.answers = false, nil
	pause := backOff
	if w.plan.Lost(true, w.now) {
		pause = 0
	}
	w.dial = w.now.Add(pause + dialling)
}

// refused are the filters that are refused now.
func (w *world) refused() (list []string) {
	for name := range w.results {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// check wants exactly the forbidden filters refused, and everything else granted.
func (w *world) check(want map[string]bool) {
	w.Helper()
	for name := range w.entries {
		kind, refused := w.results[name]
		switch {
		case want[name] && !refused:
			w.Errorf("%s is not refused", name)
		case !want[name] && refused:
			w.Errorf("%s is refused: %d", name, kind)
		case !want[name] && !w.session[name]:
			w.Errorf("%s is not granted", name)
		}
	}
	if !w.plan.Settled() {
		w.Error("it is not settled")
	}
	if w.plan.Missing() != len(want) {
		w.Errorf("%d are missing, want %d", w.plan.Missing(), len(want))
	}
}

func pick(r *rand.Rand, n, k int) map[string]bool {
	some := map[string]bool{}
	for len(some) < k {
		some[fmt.Sprintf("f/%03d", r.Intn(n))] = true
	}
	return some
}

// One forbidden filter among 500: all others work within 10 s of the first hang-up.
func TestOneForbiddenFilterAmongMany(t *testing.T) {
	t.Parallel()
	for _, keeps := range []bool{false, true} {
		for m, most := range map[manner]int{closes: 8, silent: 0, refuses: 0} {
			for seed := range int64(40) {
				s := server{forbidden: pick(rand.New(rand.NewSource(seed)), 500, 1), keeps: keeps, manner: m}
				w := newWorld(t, s, seed, 500, 500)
				w.run(5*time.Second + 10*time.Second)
				w.check(s.forbidden)
				if w.hangups > most {
					t.Errorf("%d connections were closed: %v", w.hangups, w.packets)
				}
				if t.Failed() {
					t.Fatalf("keeps %v, manner %d, seed %d: %v", keeps, m, seed, w.packets)
				}
			}
		}
	}
}

// Whatever the server's faults, and whatever the network loses in between: exactly the
// forbidden filters are refused, and everything else is granted.
func TestFaultsAreToldApart(t *testing.T) {
	t.Parallel()
	for seed := range int64(1500) {
		r := rand.New(rand.NewSource(seed))
		n := 1 + r.Intn(300)
		s := server{
			forbidden: pick(r, n, min(n-1, r.Intn(6))), packet: []int{0, 0, 1, 8, 50}[r.Intn(5)],
			keeps: r.Intn(2) == 0, manner: manner(r.Intn(3)), losses: r.Intn(2),
		}
		w := newWorld(t, s, seed, n, []int{500, 100, 7}[r.Intn(3)])
		w.run(2 * time.Minute)
		if w.plan.Missing() > len(s.forbidden) && len(s.forbidden) > 3 {
			w.run(time.Hour) // so many in a row were taken for the limit of the session
		}
		w.check(s.forbidden)
		known := slices.Clone(w.packets)
		before := w.hangups
		w.lost() // and again, with what is known now
		w.run(4 * time.Second)
		if s.manner == closes && w.hangups > before+8 && s.losses == 0 {
			t.Errorf("%d connections were closed though all was known", w.hangups-before)
		}
		if w.hangups > 150 {
			t.Errorf("too many")
		}
		if t.Failed() {
			t.Fatalf("seed %d: %d filters, %+v: %d hang-ups, packets %v then %v", seed, n, s, w.hangups, known, w.packets[len(known):])
		}
	}
}

// A session that takes no more: what was there first is granted, what does not fit is
// refused and tried again when others go.
func TestLimitOfTheSession(t *testing.T) {
	t.Parallel()
	for seed := range int64(200) {
		r := rand.New(rand.NewSource(seed))
		n := 20 + r.Intn(200)
		s := server{limit: 5 + r.Intn(n-10), keeps: r.Intn(2) == 0, manner: []manner{closes, refuses}[r.Intn(2)], packet: []int{0, 8}[r.Intn(2)]}
		w := newWorld(t, s, seed, n, 500)
		w.run(20 * time.Second)
		report := func(what string) {
			if len(w.session) != s.limit || len(w.refused()) != n-s.limit || w.plan.Missing() != n-s.limit || !w.plan.Settled() {
				t.Errorf("%s: the session has %d, refused are %d (%d), settled: %v", what, len(w.session), len(w.refused()), w.plan.Missing(), w.plan.Settled())
			}
			if t.Failed() {
				t.Fatalf("seed %d: %d filters, %+v: %d hang-ups, packets %v", seed, n, s, w.hangups, w.packets)
			}
		}
		report("at first")
		before, mark := w.hangups, len(w.packets)
		clear(w.session) // it was killed
		w.keeps = false
		w.lost()
		w.run(4 * time.Second)
		report("after a kill")
		w.keeps = s.keeps
		fits := w.refused()
		for name := range w.entries {
			if len(fits) < n-s.limit+3 && w.session[name] {
				w.drop(name)
				fits = append(fits, name)
			}
		}
		n -= 3
		w.run(2 * time.Second)
		report("when others went")
		if s.manner == closes && s.packet == 0 && w.hangups > before {
			t.Fatalf("seed %d: %d connections were closed though the limit was known; %d filters, %+v, %v then %v", seed, w.hangups-before, n, s, w.packets[:mark], w.packets[mark:])
		}
	}
}
