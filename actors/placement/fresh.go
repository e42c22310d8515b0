package placement

import (
	"sync/atomic"
	"time"
)

const (
	// PulseTick is how often a Pulse is to be told the time.
	PulseTick = 100 * time.Millisecond
	// pulseGap is how long it may not be told: longer, and the process was stopped.
	pulseGap = 300 * time.Millisecond
	// freshAfter is how long the broker must have had nothing that waits.
	freshAfter = time.Second
)

// Times here are nanoseconds of a clock that never goes back.

// Pulse notices that the process was stopped, as by SIGSTOP or by a host without a free
// processor: what it reads then may have waited for as long. It is safe for use by several
// goroutines. The zero value has never been told the time.
type Pulse struct {
	last  atomic.Int64 // when it was told last
	awake atomic.Int64 // since when it is told again and again; 0: it never was
}

// Tick tells it the time.
func (p *Pulse) Tick(now int64) {
	p.awake.Store(p.since(now))
	p.last.Store(now)
}

// since is the moment from which on the process ran without a stop.
func (p *Pulse) since(now int64) int64 {
	last := p.last.Load() // before awake, which Tick stores first
	if awake := p.awake.Load(); awake != 0 && now-last <= int64(pulseGap) {
		return awake
	}
	return now
}

// Freshness tells whether what comes from the MQTT broker was published just before: the
// broker has nothing that waits for the session while far less is under way than it may send
// without being acknowledged, and nothing has waited here if the process ran all the time. It
// is safe for use by several goroutines.
type Freshness struct {
	pulse             *Pulse
	received, settled atomic.Int64 // deliveries
	most              int64        // under way, where the broker has nothing else
	crowded           atomic.Int64 // when there were more, or the connection was made
}

// NewFreshness makes one of a connection on which the broker has more to send only where more
// than so many deliveries are under way.
func NewFreshness(p *Pulse, most int64) *Freshness { return &Freshness{pulse: p, most: most} }

// Came notes a delivery, and says whether it is fresh.
func (f *Freshness) Came(now int64) bool {
	f.received.Add(1)
	return f.Fresh(now)
}

// Done notes that so many deliveries are settled.
func (f *Freshness) Done(n, now int64) {
	f.Fresh(now)
	f.settled.Add(n)
}

// Connected notes a connection: what had waited comes first.
func (f *Freshness) Connected(now int64) { f.crowded.Store(now) }

// Roomy says whether the broker has nothing that waits, as far as is known.
func (f *Freshness) Roomy() bool { return f.UnderWay() <= f.most }

// UnderWay is how many deliveries are not settled.
func (f *Freshness) UnderWay() int64 { return f.received.Load() - f.settled.Load() }

// Received is how many deliveries there were.
func (f *Freshness) Received() int64 { return f.received.Load() }

// Fresh says whether what comes now was published just before, and all that was published
// before that has come.
func (f *Freshness) Fresh(now int64) bool {
	if !f.Roomy() {
		f.crowded.Store(now)
		return false
	}
	return now-max(f.crowded.Load(), f.pulse.since(now)) > int64(freshAfter)
}
