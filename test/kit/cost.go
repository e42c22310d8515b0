package kit

import (
	"runtime"
	"testing"
)

// Cost is what something allocates: how often, and how many bytes.
type Cost struct{ Allocations, Bytes float64 }

// CostOf is what each of n things costs that do does. Of several tries it is the least: other
// goroutines may allocate too. A test that calls it is not to be parallel, and its name begins
// with TestCost: it is skipped under -race, where the numbers are others, and test/run runs it
// without.
func CostOf(t testing.TB, n int, do func()) Cost {
	t.Helper()
	WithoutRace(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	do() // what is made once
	var least Cost
	for try := range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		c := Cost{float64(after.Mallocs-before.Mallocs) / float64(n), float64(after.TotalAlloc-before.TotalAlloc) / float64(n)}
		if try == 0 || c.Bytes < least.Bytes {
			least = c
		}
	}
	return least
}

// HeldBy is what each of n things keeps that do makes. The test is as for CostOf.
func HeldBy(t testing.TB, n int, do func()) Cost {
	t.Helper()
	WithoutRace(t)
	before := held()
	do()
	after := held()
	return Cost{after.Allocations - before.Allocations, after.Bytes - before.Bytes}.per(float64(n))
}

func held() Cost {
	var m runtime.MemStats
	for range 3 { // what finalizers and pools hold goes with the second
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return Cost{float64(m.Mallocs - m.Frees), float64(m.HeapAlloc + m.StackInuse)}
}

func (c Cost) per(n float64) Cost { return Cost{c.Allocations / n, c.Bytes / n} }

// Within fails the test where something costs more than it may. It logs the cost, so that a
// limit can follow what has become cheaper.
func (c Cost) Within(t testing.TB, what string, limit Cost) {
	t.Helper()
	t.Logf("%s: %.1f allocations, %.0f bytes; limits %.1f and %.0f", what, c.Allocations, c.Bytes, limit.Allocations, limit.Bytes)
	if c.Allocations > limit.Allocations || c.Bytes > limit.Bytes {
		t.Errorf("%s costs %.1f allocations and %.0f bytes, may cost %.1f and %.0f", what, c.Allocations, c.Bytes, limit.Allocations, limit.Bytes)
	}
}

// WithoutRace skips a test that means nothing with the race detector. test/run has to run it
// without.
func WithoutRace(t testing.TB) {
	t.Helper()
	if raceEnabled() {
		t.Skip("it means nothing under -race; test/run runs it without, too")
	}
}
