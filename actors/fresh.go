package actors

import (
	"sync/atomic"
	"time"
)

// freshness tells whether what comes from the MQTT broker was published just before: the
// broker has nothing that waits for the session while far less is under way than it may
// send without being acknowledged.
type freshness struct {
	received, settled atomic.Int64 // deliveries
	most              int64        // under way, where the broker has nothing else
	crowded           atomic.Int64 // when there were more, or the connection was made: see arrival
}

// freshAfter is how long that must have been so.
const freshAfter = time.Second

// came notes a delivery, and says whether it is fresh.
func (f *freshness) came(at time.Time) bool {
	f.received.Add(1)
	return f.is(arrival(at))
}

// done notes that deliveries are settled.
func (f *freshness) done(n int64) {
	f.is(arrival(time.Now()))
	f.settled.Add(n)
}

// connected notes a connection: what had waited comes first.
func (f *freshness) connected() { f.crowded.Store(arrival(time.Now())) }

// roomy says whether the broker has nothing that waits, as far as is known.
func (f *freshness) roomy() bool { return f.underWay() <= f.most }

func (f *freshness) underWay() int64 { return f.received.Load() - f.settled.Load() }

func (f *freshness) is(now int64) bool {
	if !f.roomy() {
		f.crowded.Store(now)
		return false
	}
	return now-f.crowded.Load() > int64(freshAfter)
}
