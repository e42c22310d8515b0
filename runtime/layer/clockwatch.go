package layer

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// The times between two readings of a host's clock: after one that succeeded, and after one that
// failed.
const (
	clockEvery = time.Minute
	clockRetry = time.Second
)

// watchClock measures the difference of a host's clock until ctx ends, and at once when it is in
// doubt.
func (c *Core) watchClock(ctx context.Context, s *server) {
	for next := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		case <-s.doubt:
		}
		next = clockRetry
		if d, trip, err := clockDifference(ctx, s.redis); err == nil && trip < clockTolerance {
			s.gauges.trip.Store(int64(trip))
			c.noteClock(s, d)
			next = clockEvery
			if s.index == 0 {
				c.keepSiteClock(ctx, s.redis)
			}
		}
	}
}

// noteClock notes the difference of a host's clock. That of the first host corrects ours. It
// logs when a difference starts and ends.
func (c *Core) noteClock(s *server, d time.Duration) {
	before := time.Duration(s.gauges.difference.Swap(int64(d)))
	s.gauges.known.Store(true)
	what := "going by that of Redis"
	if s.index == 0 {
		c.clock.difference.Store(int64(d))
	} else {
		what = "only that of the layer's first host is gone by"
	}
	was, is := before.Abs() > clockTolerance, d.Abs() > clockTolerance
	switch {
	case is && !was:
		c.log.Warn("the clocks of Redis and of this machine differ: "+what+"; set both by NTP, and those of the site",
			"host", s.host.Name(), "difference", d.Round(time.Millisecond))
	case was && !is:
		c.log.Info("the clocks of Redis and of this machine agree again", "host", s.host.Name())
	}
}

// clockDifference is a server's time less ours, and how long it took to answer.
func clockDifference(ctx context.Context, client *redis.Client) (difference, trip time.Duration, err error) {
	before := time.Now()
	now, err := client.Time(ctx).Result()
	trip = time.Since(before)
	return now.Sub(before.Add(trip / 2)), trip, err
}
