// Package gcpace says how much the heap may grow before Go's garbage collector runs
// again: enough for a few cycles a second under load, and less than Go's default of as
// much again as is live where much is live, as with a hundred thousand subscriptions. And
// it says when memory goes back to the system after a burst.
package gcpace

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// most bounds the growth: so much, and an eighth of what is live.
const most = 20 << 20

// Room is by how many bytes the heap may grow of which so many are live, where so many
// are allocated in a second.
func Room(live, rate uint64) uint64 {
	return min(max(live, rate/4), most+live/8)
}

// pacer sets the collector's growth after each of its cycles.
type pacer struct {
	samples []metrics.Sample
	at      time.Time // of the cycle before
	allocs  uint64    // bytes by then
	percent int
}

// Start sets the growth for as long as the process lives.
func Start() {
	p := &pacer{at: time.Now(), percent: 100}
	p.samples = []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	p.await()
}

// await has cycle called after the next cycle, which finds that nobody holds the mark.
func (p *pacer) await() {
	mark := new([2]*byte) // an object with pointers has memory of its own, as a cleanup wants it
	runtime.AddCleanup(mark, (*pacer).cycle, p)
}

func (p *pacer) cycle() {
	defer p.await()
	metrics.Read(p.samples)
	live, allocs, now := p.samples[0].Value.Uint64(), p.samples[1].Value.Uint64(), time.Now()
	rate := float64(allocs-p.allocs) / max(now.Sub(p.at).Seconds(), 0.001)
	p.allocs, p.at = allocs, now
	percent := int(100 * Room(live, uint64(rate)) / max(live, 1))
	if percent > p.percent*9/10 && percent < p.percent*11/10 {
		return // setting it stops everything for a moment
	}
	p.percent = percent
	debug.SetGCPercent(percent)
}
