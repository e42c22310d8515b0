package layer

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// Live says for each target whether somebody may be listening.
//
// A group is live while it has a member whose membership has not expired. That
// is all that Redis knows: the members of a process that was killed stay until
// Config.GroupExpiry.
//
// A channel is live unless its queue shows that nobody reads: the oldest message
// in it is older than Config.Expiry; or it is older than half of that and the
// queue is full, where a reader would have taken it; or messages that became too
// old were dropped out of it as this client wrote to it, within the last two
// times Config.Expiry. A queue that is not there, because all was read or nothing
// was written, counts as live. The consumers of one process share a queue: one
// that is gone is not told from its neighbours.
//
// With several hosts a general channel is live where it is on any of them.
//
// A key of another type is not live. Errors are *messages.LayerFailure.
func (c *Core) Live(ctx context.Context, targets []messages.Target) ([]bool, error) {
	live := make([]bool, len(targets))
	for start := 0; start < len(targets); start += maxLook {
		end := min(start+maxLook, len(targets))
		if err := c.liveAt(ctx, targets[start:end], live[start:end]); err != nil {
			return nil, err
		}
	}
	return live, nil
}

// maxLook is how many targets one round trip looks at.
const maxLook = 1000

// liveAt asks each host for those targets that it has.
func (c *Core) liveAt(ctx context.Context, targets []messages.Target, live []bool) error {
	for _, s := range c.servers {
		pipe := s.redis.Pipeline()
		answers := make([]func() (bool, error), len(targets))
		asked := false
		for i, t := range targets {
			if c.has(s, t) && !live[i] {
				answers[i], asked = c.queryLive(ctx, pipe, s, t), true
			}
		}
		if asked {
			_, _ = pipe.Exec(ctx) // each command has its own error
		}
		if err := readLive(answers, live); err != nil {
			return s.failure("looking for who listens", err)
		}
	}
	return nil
}

// has says whether a target is on a host; a general channel is on all.
func (c *Core) has(s *server, t messages.Target) bool {
	switch {
	case t.Kind == messages.Group:
		return c.on(t.Name) == s
	case strings.Contains(t.Name, "!"):
		return c.on(messages.NonLocal(t.Name)) == s
	}
	return true
}

// queryLive adds to a pipeline what is to be known of one target. What it returns reads the
// answers.
func (c *Core) queryLive(ctx context.Context, pipe redis.Pipeliner, s *server, t messages.Target) func() (bool, error) {
	now := c.clock.now().Add(-time.Duration(c.clock.behind.Load()))
	if t.Kind == messages.Group {
		members := pipe.ZCount(ctx, c.keys.group(t.Name), c.oldestMember(), "+inf")
		return func() (bool, error) { return members.Val() > 0, members.Err() }
	}
	key := c.keys.queue(t.Name)
	first, length := pipe.ZRangeWithScores(ctx, key, 0, 0), pipe.ZCard(ctx, key)
	dropped := c.unread.since(s, key, time.Now().Add(-2*time.Duration(c.config.Expiry)*time.Second))
	capacity := c.config.capacityOf(t.Name)
	return func() (bool, error) { return !dropped && c.read(first, length, capacity, now), first.Err() }
}

// oldestMember bounds the scores of memberships that have not expired.
func (c *Core) oldestMember() string {
	return "(" + strconv.FormatInt(c.clock.cutoff(c.config.GroupExpiry), 10)
}

func readLive(answers []func() (bool, error), live []bool) error {
	for i, alive := range answers {
		if alive == nil {
			continue
		}
		var err error
		if live[i], err = alive(); err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") {
			return err
		}
	}
	return nil
}

// read says whether a queue looks as if somebody reads it.
func (c *Core) read(first *redis.ZSliceCmd, length *redis.IntCmd, capacity int, now time.Time) bool {
	if first.Err() != nil {
		return false
	}
	if len(first.Val()) == 0 {
		return true
	}
	age := float64(now.UnixMicro())/1e6 - first.Val()[0].Score
	full := length.Val() >= int64(capacity)
	expiry := float64(c.config.Expiry)
	return age <= expiry/2 || age <= expiry && !full
}
