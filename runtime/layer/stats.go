package layer

import (
	"sync/atomic"
	"time"
)

// Stats is how a client does, and how its hosts are, to be shown. All counts are
// since it was made.
type Stats struct {
	// Hosts are the layer's, in their order.
	Hosts []HostStats
	// Site is how the site's clocks stand to that of Redis, as commands have shown.
	Site SiteClock
	// DroppedCommands counts the commands of a pub/sub layer that came when as
	// many waited as may.
	DroppedCommands uint64
}

// HostStats is how one host is.
type HostStats struct {
	// Name is the host's, for people.
	Name string
	// Known: it has told its time at least once.
	Known bool
	// ClockDifference is its time less ours, as it was at most a minute ago. Above
	// a second on the first host, messages are dated by that one's clock.
	ClockDifference time.Duration
	// RoundTrip is how long it took for its last answer, to a question about the
	// time or to as many writes as went together.
	RoundTrip time.Duration
	// Trips is how often we went there to write, Writes how many calls were made
	// then, and Failures how many of these failed.
	Trips, Writes, Failures uint64
	// Late is how many of the failures were calls that the host came to so late
	// that it left them alone, and could say so.
	Late uint64
	// Expired is how many messages were dropped as we wrote, since nobody had read
	// them for as long as messages live.
	Expired uint64
}

// Stats can be asked for as often as one likes: it waits for nothing.
func (c *Core) Stats() Stats {
	s := Stats{Site: c.siteNow()}
	for _, server := range c.servers {
		g := &server.gauges
		s.Hosts = append(s.Hosts, HostStats{
			Name: server.host.Name(), Known: g.known.Load(),
			ClockDifference: time.Duration(g.difference.Load()), RoundTrip: time.Duration(g.trip.Load()),
			Trips: g.trips.Load(), Writes: g.writes.Load(), Failures: g.failures.Load(),
			Late: g.late.Load(), Expired: g.expired.Load(),
		})
	}
	return s
}

// Stats can be asked for as often as one likes: it waits for nothing.
func (p *PubSub) Stats() Stats {
	s := p.Core.Stats()
	s.DroppedCommands = p.subscriber.overflow.Load()
	return s
}

// gauges is what is known of one host. Whoever learns something notes it.
type gauges struct {
	known            atomic.Bool
	difference, trip atomic.Int64 // in nanoseconds

	trips, writes, failures, late, expired atomic.Uint64
}

// traveled notes one journey of writes there and back.
func (g *gauges) traveled(trip time.Duration, err error) {
	g.trips.Add(1)
	if err == nil {
		g.trip.Store(int64(trip))
	}
}

// wrote notes what became of one write.
func (g *gauges) wrote(err error) {
	g.writes.Add(1)
	if err != nil {
		g.failures.Add(1)
	}
}
