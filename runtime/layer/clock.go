package layer

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// clock gives out times in whole microseconds, each once, and each later than those before.
// Near today's date doubles of seconds are 0.24 µs apart, so different microseconds are
// different scores in the same order.
//
// It follows this machine's clock, or that of Redis if the two are more than clockTolerance
// apart: the clock of its sender decides how long a message lives, and a client that is ahead
// drops the messages of others.
type clock struct {
	mu         sync.Mutex
	last       int64
	difference atomic.Int64 // Redis's less ours, in nanoseconds
	behind     atomic.Int64 // how far a site's may be behind Redis's, in nanoseconds
	stopped    time.Time    // for tests: the time that it stands at, if any
}

// clockTolerance is the largest difference that is not corrected.
const clockTolerance = time.Second

// now is the time for everything that is written to or read from Redis.
func (c *clock) now() time.Time {
	now := time.Now()
	if !c.stopped.IsZero() {
		now = c.stopped
	}
	if d := time.Duration(c.difference.Load()); d.Abs() > clockTolerance {
		now = now.Add(d)
	}
	return now
}

// cutoff is the newest date, in Unix seconds, of what has expired after that many seconds. It
// allows for a site whose clock is behind: its messages live as long.
func (c *clock) cutoff(life int) int64 {
	late := time.Duration(c.behind.Load())
	return c.now().Unix() - int64(life) - int64((late+time.Second-1)/time.Second)
}

// take reserves n times and returns the first.
func (c *clock) take(n int) int64 {
	now := c.now().UnixMicro()
	c.mu.Lock()
	defer c.mu.Unlock()
	first := max(now, c.last+1)
	c.last = first + int64(n) - 1
	return first
}

// score writes a time as channels_redis does: Unix seconds.
func score(micros int64) string {
	b := make([]byte, 0, 20)
	b = strconv.AppendInt(b, micros/1e6, 10)
	b = append(b, '.')
	fraction := len(b)
	b = strconv.AppendInt(b, 1e6+micros%1e6, 10) // the 1 keeps leading zeros
	b = append(b[:fraction], b[fraction+1:]...)
	return string(b)
}
