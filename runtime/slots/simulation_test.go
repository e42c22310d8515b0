package slots_test

import (
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seed     = flag.Uint64("seed", 0, "run only the simulation with that seed")
	simulate = flag.Duration("simulate", 4*time.Second, "for how long to run simulations")
)

var discard = slog.New(slog.DiscardHandler)

// TestSimulation runs workers through random faults: pauses longer than a lease, clocks
// that run apart, lost questions and answers, a Redis that is unreachable or loses its data,
// joins, stops and deaths. At no moment may two workers act for a slot; when the faults
// are over all slots are held, evenly spread. A failure names the seed that repeats it:
//
//	go test ./runtime/slots -run Simulation -seed N
func TestSimulation(t *testing.T) {
	t.Parallel()
	if *seed != 0 {
		simulation(t, *seed)
		return
	}
	n := 1 + rand.Uint64N(1e9)
	for began, count := time.Now(), 0; count < fewest || time.Since(began) < *simulate; count++ {
		if simulation(t, n); t.Failed() {
			return
		}
		n++
	}
}

// fewest is how many simulations there are at least, however slow the machine is.
const fewest = 20

// simulation runs the one with a seed, and returns a sum of what happened.
func simulation(t *testing.T, seed uint64) (sum uint64) {
	t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { sum = run(t, seed) })
	})
	return sum
}

// TestSeedRepeats: the same seed makes the same things happen.
func TestSeedRepeats(t *testing.T) {
	t.Parallel()
	for n := range uint64(fewest) {
		if first, second := simulation(t, n+1), simulation(t, n+1); first != second {
			t.Errorf("seed %d does not repeat what happened", n+1)
		}
	}
}

// drift is by how much the server's clock may run faster or slower than a worker's.
const drift = 0.05

func run(t *testing.T, seed uint64) uint64 {
	w := newWorld(t, seed, 1)
	factor := 1 + drift*(2*w.random.Float64()-1)
	w = newWorld(t, seed, factor)
	sessions := 1 + w.random.IntN(8)
	for range 2 + w.random.IntN(3) {
		w.start(sessions)
		w.pass(apart)
	}
	for range 15 {
		w.fault(sessions)
		w.pass(time.Duration(w.random.Int64N(int64(2 * time.Second))))
	}
	w.recover(sessions)
	w.pass(20 * lease)
	counts, all := w.spread()
	alive := 0
	for _, k := range w.workers {
		if !k.dead && k.keeper.View().Reached && !k.keeper.View().Leaving {
			alive++
		}
	}
	least, most := sessions, 0
	for _, n := range counts {
		least, most = min(least, n), max(most, n)
	}
	if all != sessions || most-least > 1 && len(counts) == alive || most > (sessions+alive-1)/alive {
		t.Errorf("%d workers act for %d of %d slots: %v", alive, all, sessions, counts)
	}
	w.end()
	return w.happened
}

// apart is between what would happen in any order else. The ends of leases are in whole
// milliseconds: so no two workers wake at the same moment for one.
const apart = 1137 * time.Microsecond

// fault does something to one of the workers, or to all.
func (w *world) fault(sessions int) {
	w.mu.Lock()
	k := w.workers[w.random.IntN(len(w.workers))]
	what := w.random.IntN(15)
	w.mu.Unlock()
	switch what {
	case 0:
		k.kill()
	case 1:
		k.cancel()
	case 2:
		if time.Since(w.forgotten) > 2*lease && !w.away {
			w.start(sessions)
		}
	case 3, 4:
		k.freeze()
	case 5, 6:
		k.goOn()
	case 7:
		w.change(func() { w.away = !w.away })
	case 8:
		w.change(func() { w.lost, w.late = w.random.Float64()/2, time.Duration(w.random.Int64N(int64(2*lease))) })
	case 9:
		w.change(func() { k.cut = !k.cut })
	case 10:
		w.change(func() { w.overtaken = !w.overtaken })
	case 11:
		w.forget()
	case 12, 13:
		k.rob()
	case 14:
		k.reach(k.away)
	}
}

func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// forget has Redis lose its data, while its answers come in time, and nobody joins for a
// while: a worker that knows nothing of the others, as little as Redis, would take what
// they hold. There the broker is the fence.
func (w *world) forget() {
	w.change(func() { w.lost, w.late = 0, 0 })
	w.pass(3 * lease)
	w.change(w.leases.Lose)
	w.forgotten = time.Now()
}

// recover ends all faults, and sees that somebody is there.
func (w *world) recover(sessions int) {
	w.mu.Lock()
	w.away, w.lost, w.late, w.overtaken = false, 0, 0, false
	for _, k := range w.workers {
		k.cut = false
	}
	all := w.workers
	w.mu.Unlock()
	for _, k := range all {
		k.goOn()
		k.reach(true)
		w.pass(apart)
	}
	w.pass(2 * lease)
	w.start(sessions)
}
