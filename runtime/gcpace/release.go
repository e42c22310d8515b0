package gcpace

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// releaseInterval is how often is looked whether a burst is over.
	releaseInterval = 5 * time.Second
	// small is a heap that is left as it is.
	small = 64 << 20
	// worthReleasing is how much memory must lie unused.
	worthReleasing = 32 << 20
	// quiet is how much may be allocated in a second where nothing much happens. The
	// collector, which gives memory back as well, then runs every two minutes.
	quiet = 4 << 20
)

// Burst knows whether much was going on lately.
type Burst struct{ busy bool }

// Over says whether memory is to be collected and given back to the system now: when a
// burst has just ended, and when much lies unused. It is asked at intervals. The program
// has objects of so many bytes, of which the last collection found so many live, and so
// many bytes free; it allocates so many in a second.
func (b *Burst) Over(live, objects, free, rate uint64) bool {
	if rate >= quiet {
		b.busy = true
		return false
	}
	unused := free + objects - min(live, objects)
	over := b.busy && free+objects > small || unused > max(worthReleasing, live/2)
	b.busy = false
	return over
}

// Release gives memory back to the system whenever a burst is over, for as long as the
// process lives. Go by itself does so when its collector has run.
func Release() {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/gc/heap/allocs:bytes"},
	}
	var burst Burst
	var before uint64
	for range time.Tick(releaseInterval) {
		metrics.Read(samples)
		allocs := samples[3].Value.Uint64()
		rate := (allocs - before) / uint64(releaseInterval/time.Second)
		before = allocs
		if burst.Over(samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64(), rate) {
			debug.FreeOSMemory()
		}
	}
}
