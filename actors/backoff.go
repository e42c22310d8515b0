package actors

import (
	"math/rand/v2"
	"time"
)

// Backoff is how long to wait between attempts. The zero value means the
// defaults.
type Backoff struct {
	// Min is the delay before the second attempt, 200 ms by default; the first
	// has none. It doubles with each further attempt.
	Min time.Duration
	// Max caps the delay, 5 s by default.
	Max time.Duration
}

func (b Backoff) withDefaults() Backoff {
	if b.Min <= 0 {
		b.Min = 200 * time.Millisecond
	}
	if b.Max < b.Min {
		b.Max = max(5*time.Second, b.Min)
	}
	return b
}

// layerRetry is the longest delay between two looks for Redis, whatever Max is: it
// costs Redis nothing, and commands are read soon after any outage.
const layerRetry = 500 * time.Millisecond

// layer is the Backoff of attempts to reach Redis.
func (b Backoff) layer() Backoff {
	b.Max = min(b.Max, layerRetry)
	b.Min = min(b.Min, b.Max)
	return b
}

// delay is the time to wait after that many failed attempts: a random one
// between half and the whole of the exponential delay, so that a fleet of
// workers does not come back in step.
func (b Backoff) delay(failed int) time.Duration {
	if failed <= 0 {
		return 0
	}
	d := b.Max
	if shift := failed - 1; shift < 32 && b.Min<<shift < b.Max && b.Min<<shift > 0 {
		d = b.Min << shift
	}
	return d/2 + rand.N(d/2+1)
}

// rest is what is left of a delay after so many failed attempts, the last of which has
// taken its time already.
func (b Backoff) rest(failed int, spent time.Duration) time.Duration {
	return max(0, b.delay(failed)-spent)
}
