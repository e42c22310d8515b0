package slots_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/slots"
)

// bubble runs a test in a world of its own.
func bubble(t *testing.T, test func(*world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1)
		test(w)
		w.end()
	})
}

// holds checks who acts for how many slots.
func (w *world) holds(when string, want map[string]int) {
	w.Helper()
	counts, _ := w.spread()
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		w.Errorf("%s: %v, want %v", when, counts, want)
	}
}

func TestOneWorkerHoldsAll(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start(3)
		w.pass(50 * time.Millisecond)
		w.holds("at the start", map[string]int{"worker 0": 3})
		w.pass(10 * time.Second)
		v := a.keeper.View()
		if !v.Reached || len(v.Held) != 3 || v.Workers != 1 || v.Sessions != 3 || a.keeper.Counts.Taken.Load() != 3 {
			t.Errorf("%+v", v)
		}
	})
}

// Those who join get their share, one slot after the other, and leave nothing unheld for
// long when they stop.
func TestWorkersShare(t *testing.T) {
	bubble(t, func(w *world) {
		w.start(6)
		w.pass(time.Second)
		b := w.start(6)
		w.pass(4 * time.Second)
		w.holds("two", map[string]int{"worker 0": 3, "worker 1": 3})
		w.start(6)
		w.pass(4 * time.Second)
		w.holds("three", map[string]int{"worker 0": 2, "worker 1": 2, "worker 2": 2})
		b.cancel()
		w.pass(time.Second)
		w.holds("one has stopped", map[string]int{"worker 0": 3, "worker 2": 3})
		if lost := b.keeper.Counts.Lost.Load(); lost != 0 {
			t.Errorf("%d were lost", lost)
		}
	})
}

// What a dead worker held is held again within two seconds.
func TestDeadWorkerIsSucceeded(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start(1)
		w.pass(time.Second)
		w.start(1)
		w.pass(time.Second)
		a.kill()
		w.pass(2 * time.Second)
		w.holds("after the death", map[string]int{"worker 1": 1})
	})
}

// A Redis that was unreachable costs nobody a slot, and nothing is done meanwhile. It may have
// lost its data.
func TestRedisIsAway(t *testing.T) {
	for _, loses := range []bool{false, true} {
		t.Run(fmt.Sprint("loses its data: ", loses), func(t *testing.T) {
			bubble(t, func(w *world) {
				a := w.start(2)
				w.pass(time.Second)
				before := a.keeper.View().Held
				w.change(func() { w.away = true })
				w.pass(20 * time.Second)
				w.holds("while it is away", map[string]int{})
				if loses {
					w.change(w.leases.Lose)
				}
				w.change(func() { w.away = false })
				w.pass(3 * time.Second)
				w.holds("afterwards", map[string]int{"worker 0": 2})
				if after := a.keeper.View().Held; fmt.Sprint(after) != fmt.Sprint(before) || a.keeper.Counts.Taken.Load() != 2 {
					t.Errorf("held %v, want %v", after, before)
				}
			})
		})
	}
}

// Who does not reach Redis loses its slots to who does.
func TestWorkerIsCutOff(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start(2)
		w.start(2)
		w.pass(4 * time.Second)
		w.change(func() { a.cut = true })
		w.pass(2 * time.Second)
		w.holds("cut off", map[string]int{"worker 1": 2})
		w.change(func() { a.cut = false })
		w.pass(4 * time.Second)
		w.holds("back", map[string]int{"worker 0": 1, "worker 1": 1})
	})
}

// A worker that stops while its leases are over tells since when nothing was done for
// its slots: another may hold them by then.
func TestStopsWhileCutOff(t *testing.T) {
	bubble(t, func(w *world) {
		var out bytes.Buffer
		w.log = slog.New(slog.NewTextHandler(&out, nil))
		a := w.start(2)
		w.log = discard
		w.pass(time.Second)
		w.change(func() { a.cut = true })
		w.pass(5 * time.Second)
		a.cancel()
		w.pass(5 * time.Second)
		closed := regexp.MustCompile(`msg="session slot given up" .*closed_for=(\S+)`).FindAllStringSubmatch(out.String(), -1)
		for _, m := range closed {
			if d, err := time.ParseDuration(m[1]); err != nil || d < 3*time.Second || d > 5*time.Second {
				t.Errorf("closed for %s, %v", m[1], err)
			}
		}
		if len(closed) != 2 {
			t.Errorf("%d slots were given up:\n%s", len(closed), out.String())
		}
	})
}

// A worker that was stopped finds its fence closed when it wakes.
func TestFrozenWorkerWakes(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start(1)
		w.pass(time.Second)
		w.start(1)
		w.pass(time.Second)
		a.freeze()
		w.pass(10 * time.Second)
		w.holds("frozen", map[string]int{"worker 1": 1})
		a.goOn()
		w.pass(5 * time.Second)
		w.holds("awake", map[string]int{"worker 1": 1})
	})
}

// Who does not reach the broker gives its slots to who does; where nobody does they stay.
func TestBrokerIsOutOfReach(t *testing.T) {
	bubble(t, func(w *world) {
		a, b := w.start(2), w.start(2)
		w.pass(4 * time.Second)
		a.reach(false)
		w.pass(9 * time.Second)
		w.holds("out of one's reach", map[string]int{"worker 1": 2})
		b.reach(false)
		w.pass(15 * time.Second)
		if _, all := w.spread(); all != 2 {
			t.Errorf("out of reach for both: %d slots are held", all)
		}
		a.reach(true)
		b.reach(true)
		w.pass(2 * time.Minute)
		w.holds("back", map[string]int{"worker 0": 1, "worker 1": 1})
	})
}

// A slot whose session another client has is given up, and tried again after a while
// that grows.
func TestSessionIsTakenOver(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start(1)
		w.pass(time.Second)
		a.rob()
		w.pass(500 * time.Millisecond)
		w.holds("robbed", map[string]int{})
		w.pass(time.Second)
		w.holds("after a second", map[string]int{"worker 0": 1})
		a.rob()
		w.pass(1500 * time.Millisecond)
		w.holds("robbed again", map[string]int{})
		w.pass(time.Second)
		w.holds("after two", map[string]int{"worker 0": 1})
		w.start(1)
		w.pass(time.Second)
		a.rob()
		w.pass(time.Second)
		w.holds("robbed with another there", map[string]int{"worker 1": 1})
	})
}

// Another layout is taken in turn, when all filters have moved.
func TestLayoutChanges(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start(2)
		w.pass(time.Second)
		b := w.start(5)
		w.pass(500 * time.Millisecond)
		if v := a.keeper.View(); v.Layout != (messages.Layout{Sessions: 5, Before: 2}) {
			t.Errorf("layout %+v", v.Layout)
		}
		w.pass(10 * time.Second)
		if v := b.keeper.View(); v.Layout != (messages.Layout{Sessions: 5}) || len(v.Slots) != 5 {
			t.Errorf("layout %+v", v.Layout)
		}
		if _, all := w.spread(); all != 5 {
			t.Errorf("%d slots are held", all)
		}
		w.start(3)
		w.pass(15 * time.Second)
		if counts, all := w.spread(); all != 3 || len(counts) != 3 {
			t.Errorf("held %v", counts)
		}
	})
}

// A number of slots that Redis loses before others have heard of it is proposed again.
func TestLayoutIsLost(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start(2)
		w.pass(2*time.Second + 10*time.Millisecond)
		b := w.start(3)
		w.pass(10 * time.Millisecond)
		if n := b.keeper.View().Sessions; n != 3 || a.keeper.View().Sessions != 2 {
			t.Fatalf("%d slots, want 3, of which the first worker has not heard", n)
		}
		w.change(w.leases.Lose)
		w.pass(10 * time.Second)
		if n := a.keeper.View().Sessions; n != 3 {
			t.Errorf("%d slots, want 3", n)
		}
	})
}

// An assignment that gives up takes the worker with it.
func TestAssignmentGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1)
		bug := errors.New("a bug")
		k := w.worker()
		w.workers = []*worker{k}
		keeper := slots.New(slots.Options{Leases: k, Lease: lease, Sessions: 2, Log: discard, Hold: func(s messages.Slot, l messages.Layout, f *slots.Fence) slots.Assignment {
			held := k.hold(s, l, f).(*assignment)
			if s.Number == 1 {
				held.endSoon(time.Second)
				return failing{held, bug}
			}
			return held
		}})
		if err := keeper.Run(t.Context()); !errors.Is(err, bug) {
			t.Errorf("ended with %v", err)
		}
		settle()
	})
}

type failing struct {
	*assignment
	err error
}

func (f failing) Err() error { return f.err }

func TestFence(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start(1)
		w.pass(time.Second)
		var f *slots.Fence
		w.change(func() {
			for held := range a.held {
				f = held.fence
			}
		})
		if !f.Open() || f.Wait(w.Context()) != nil || time.Until(f.Until()) <= 0 {
			t.Error("the fence of a slot that is held is closed")
		}
		w.change(func() { a.cut = true })
		w.pass(2 * time.Second)
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		if err := f.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for what does not come: %v", err)
		}
		waited := make(chan error)
		go func() { waited <- f.Wait(w.Context()) }()
		w.change(func() { a.cut = false })
		if err := <-waited; err != nil || !f.Open() {
			t.Errorf("waiting until it is held again: %v", err)
		}
		w.change(func() { a.cut = true })
		time.Sleep(2 * time.Second)
		go func() { waited <- f.Wait(w.Context()) }()
		a.cancel()
		if err := <-waited; !errors.Is(err, slots.ErrRevoked) {
			t.Errorf("waiting at the end: %v", err)
		}
	})
}
