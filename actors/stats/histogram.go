package stats

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogramUnit is the upper bound of a Histogram's first bucket. Each bound is
// twice the one before.
const histogramUnit = 100 * time.Microsecond

// histogramBounds is how many bounds there are: up to 52 s.
const histogramBounds = 20

// Histogram counts times. It may be used from anywhere at any time, and costs a
// few nanoseconds.
type Histogram struct {
	buckets [histogramBounds + 1]atomic.Uint64
	sum     atomic.Int64
}

// Observe counts one time.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	i := bits.Len64(uint64(max(d-1, 0) / histogramUnit))
	h.buckets[min(i, histogramBounds)].Add(1)
	h.sum.Add(int64(d))
}

// Read returns how many times there were, their sum in seconds, and how many
// were at most as long as each bound, in seconds.
func (h *Histogram) Read() (count uint64, sum float64, atMost map[float64]uint64) {
	atMost = map[float64]uint64{}
	bound := histogramUnit
	for i := range histogramBounds {
		count += h.buckets[i].Load()
		atMost[float64(bound)/1e9] = count // which is the bound as one writes it
		bound *= 2
	}
	count += h.buckets[histogramBounds].Load()
	return count, time.Duration(h.sum.Load()).Seconds(), atMost
}
