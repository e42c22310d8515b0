package layer

import (
	"context"
	"strings"
	"time"
)

// Report is what Check found.
type Report struct {
	// Version and Mode are what the server calls itself ("7.0.15",
	// "standalone"); empty where it does not tell.
	Version, Mode string
	// ClockDifference is the server's time less ours. The clocks of senders decide how long
	// messages live: a second is worth a warning, the layer's expiry destroys messages.
	ClockDifference time.Duration
	// Site is the difference of the site's clocks to that of Redis, as a worker has seen it,
	// or as the dates of waiting messages and of memberships show it.
	Site SiteClock
	// RoundTrip is how long one command took.
	RoundTrip time.Duration
	// Waiting is the number of messages in the command channel.
	Waiting int64
}

// Check checks all hosts, and reports on the first. Waiting is the sum of all, and
// ClockDifference the greatest. Errors are *messages.LayerFailure.
func (c *Core) Check(ctx context.Context) (Report, error) {
	report, err := c.checkOne(ctx, c.servers[0])
	for _, s := range c.servers[1:] {
		if err != nil {
			break
		}
		var r Report
		r, err = c.checkOne(ctx, s)
		report.Waiting += r.Waiting
		report.Site = report.Site.With(r.Site)
		if r.ClockDifference.Abs() > report.ClockDifference.Abs() {
			report.ClockDifference = r.ClockDifference
		}
	}
	return report, err
}

// Ping says whether any of the hosts answers. Errors are *messages.LayerFailure.
func (c *Core) Ping(ctx context.Context) error {
	answers := make(chan error, len(c.servers))
	for _, s := range c.servers {
		go func() { answers <- s.redis.Ping(ctx).Err() }()
	}
	var last error
	for range c.servers {
		if last = <-answers; last == nil {
			return nil
		}
	}
	return c.failure("waiting for an answer", last)
}

func (c *Core) checkOne(ctx context.Context, s *server) (Report, error) {
	var r Report
	waiting, err := s.redis.ZCard(ctx, c.keys.queue(c.config.Channel)).Result()
	if err != nil {
		return r, s.failure("looking at channel "+c.config.Channel, err)
	}
	r.Waiting = waiting
	if r.ClockDifference, r.RoundTrip, err = clockDifference(ctx, s.redis); err != nil {
		return r, s.failure("asking for the time", err)
	}
	r.Site = c.siteClockAt(ctx, s)
	// Not every server and proxy answers INFO.
	info, _ := s.redis.Info(ctx, "server").Result()
	r.Version, r.Mode = field(info, "redis_version"), field(info, "redis_mode")
	return r, nil
}

// field finds one line of INFO.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
