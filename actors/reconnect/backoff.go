package reconnect

import (
	"math/rand/v2"
	"time"
)

const (
	defaultMin = 200 * time.Millisecond
	defaultMax = 5 * time.Second
	// redisMax is the longest delay between two attempts to reach Redis; a shorter Max
	// counts. An attempt costs Redis nothing, and commands are read soon after an outage.
	redisMax = 500 * time.Millisecond
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

// WithDefaults is the Backoff with what is not set.
func (b Backoff) WithDefaults() Backoff {
	if b.Min <= 0 {
		b.Min = defaultMin
	}
	if b.Max < b.Min {
		b.Max = max(defaultMax, b.Min)
	}
	return b
}

// Redis is the Backoff of all calls of Redis that failed: reads of commands, writes to
// targets, the store.
func (b Backoff) Redis() Backoff {
	b.Max = min(b.Max, redisMax)
	b.Min = min(b.Min, b.Max)
	return b
}

// Delay is the time to wait after that many failed attempts: a random one
// between half and the whole of the exponential delay, so that a fleet of
// workers does not come back in step.
func (b Backoff) Delay(failed int) time.Duration {
	if failed <= 0 {
		return 0
	}
	d := b.Max
	if shift := failed - 1; shift < 32 && b.Min<<shift < b.Max && b.Min<<shift > 0 {
		d = b.Min << shift
	}
	return d/2 + rand.N(d/2+1)
}
