package gcpace

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// releaseInterval is how often is looked whether memory lies idle.
	releaseInterval = 5 * time.Second
	// worthReleasing is how much of it there must be, in bytes.
	worthReleasing = 32 << 20
	// quiet is how much may be allocated in a second where nothing much happens. The
	// collector, which gives memory back as well, then runs every two minutes.
	quiet = 4 << 20
)

// Idle says whether memory is to be given back to the system now: so many bytes are live,
// the program has so many beside them that it does not use, and it allocates so many in a
// second.
func Idle(live, unused, rate uint64) bool {
	return unused > max(worthReleasing, live/2) && rate < quiet
}

// Release gives memory back to the system whenever a burst is over, for as long as the
// process lives. Go by itself does so when its collector has run.
func Release() {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/gc/heap/allocs:bytes"},
	}
	var before uint64
	for range time.Tick(releaseInterval) {
		metrics.Read(samples)
		live, objects := samples[0].Value.Uint64(), samples[1].Value.Uint64()
		free, allocs := samples[2].Value.Uint64(), samples[3].Value.Uint64()
		rate := (allocs - before) / uint64(releaseInterval/time.Second)
		before = allocs
		if Idle(live, free+objects-min(live, objects), rate) {
			debug.FreeOSMemory()
		}
	}
}
