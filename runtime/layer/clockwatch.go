package layer

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// The times between two looks at Redis's clock: after one that went well, and
// after one that did not.
const (
	clockEvery = time.Minute
	clockRetry = time.Second
)

// ClockDifference is the first host's time less ours, as it was measured at most
// a minute ago; 0 until Redis has answered once. Above a second messages are
// dated by Redis's clock.
func (c *Client) ClockDifference() time.Duration {
	return time.Duration(c.clock.difference.Load())
}

// watchClock measures the difference of the clocks until ctx ends.
func (c *Client) watchClock(ctx context.Context) {
	defer close(c.watched)
	for next := time.Duration(0); pause(ctx, next); {
		next = clockRetry
		if d, trip, err := clockDifference(ctx, c.redis); err == nil && trip < clockTolerance {
			c.noteClock(d)
			next = clockEvery
		}
	}
}

// noteClock corrects the clock and says so when that begins and ends.
func (c *Client) noteClock(d time.Duration) {
	before := time.Duration(c.clock.difference.Swap(int64(d)))
	was, is := before.Abs() > clockTolerance, d.Abs() > clockTolerance
	switch {
	case is && !was:
		c.log.Warn("the clocks of Redis and of this machine differ: going by that of Redis; set both by NTP, and those of the site",
			"difference", d.Round(time.Millisecond))
	case was && !is:
		c.log.Info("the clocks of Redis and of this machine agree again")
	}
}

// clockDifference is a server's time less ours, and how long it took to answer.
func clockDifference(ctx context.Context, client *redis.Client) (difference, trip time.Duration, err error) {
	before := time.Now()
	now, err := client.Time(ctx).Result()
	trip = time.Since(before)
	return now.Sub(before.Add(trip / 2)), trip, err
}
