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
	// ClockDifference is the server's time less ours. Messages live by their
	// senders' clocks: a second is worth a complaint, the layer's expiry
	// destroys messages.
	ClockDifference time.Duration
	// RoundTrip is how long one command took.
	RoundTrip time.Duration
	// Waiting is the number of messages in the command channel.
	Waiting int64
}

// Check asks the server how it is. Errors are *messages.LayerFailure.
func (c *Client) Check(ctx context.Context) (Report, error) {
	var r Report
	waiting, err := c.redis.ZCard(ctx, c.keys.queue(c.config.Channel)).Result()
	if err != nil {
		return r, c.failure("looking at channel "+c.config.Channel, err)
	}
	r.Waiting = waiting
	before := time.Now()
	now, err := c.redis.Time(ctx).Result()
	if err != nil {
		return r, c.failure("asking for the time", err)
	}
	r.RoundTrip = time.Since(before)
	r.ClockDifference = now.Sub(before.Add(r.RoundTrip / 2))
	// Not every server and proxy answers INFO.
	info, _ := c.redis.Info(ctx, "server").Result()
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
