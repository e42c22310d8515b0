package layer

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// DeadLetter is a message of the command channel that was buried.
type DeadLetter struct {
	// ID names it for DropDeadLetters and ReplayDeadLetters.
	ID string
	// Time is when it was buried, and Reason why.
	Time   time.Time
	Reason string
	// Size is that of the message in bytes, as it was in Redis.
	Size int
	// Preview is the type of the command and the names of its keys, never what
	// they hold.
	Preview string
}

// stored is a dead letter with its form in Redis.
type stored struct {
	letter
	raw    string
	server *server
}

// DeadLetters returns what was buried, the newest first. What cannot be read is
// left out, with a warning. Errors are *messages.LayerFailure.
func (c *Client) DeadLetters(ctx context.Context) ([]DeadLetter, error) {
	letters, err := c.letters(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]DeadLetter, len(letters))
	for i, l := range letters {
		list[i] = DeadLetter{
			ID: l.ID, Time: l.Time, Reason: l.Reason, Size: len(l.Message), Preview: c.preview(string(l.Message)),
		}
	}
	return list, nil
}

// DropDeadLetters forgets the dead letters with those IDs, or all when none are
// given, and returns how many there were. Errors are *messages.LayerFailure.
func (c *Client) DropDeadLetters(ctx context.Context, ids ...string) (int, error) {
	if len(ids) == 0 {
		return c.dropAll(ctx)
	}
	letters, err := c.letters(ctx, ids...)
	if err != nil {
		return 0, err
	}
	dropped := 0
	for _, l := range letters {
		n, err := l.server.redis.LRem(ctx, c.keys.deadLetters(), 1, l.raw).Result()
		if err != nil {
			return dropped, l.server.failure("dropping dead letter "+l.ID, err)
		}
		dropped += int(n)
	}
	return dropped, nil
}

func (c *Client) dropAll(ctx context.Context) (dropped int, err error) {
	for _, s := range c.servers {
		var there *redis.IntCmd
		_, err := s.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
			there = p.LLen(ctx, c.keys.deadLetters())
			p.Del(ctx, c.keys.deadLetters())
			return nil
		})
		if err != nil {
			return dropped, s.failure("dropping all dead letters", err)
		}
		dropped += int(there.Val())
	}
	return dropped, nil
}

// ReplayDeadLetters puts the messages of the dead letters with those IDs, or of
// all when none are given, back into the command channel, the first buried
// first, as if they were sent now, and whatever the channel's capacity. Each
// leaves the dead letters as it enters the channel. It returns how many that
// were. Errors are *messages.LayerFailure.
func (c *Client) ReplayDeadLetters(ctx context.Context, ids ...string) (int, error) {
	letters, err := c.letters(ctx, ids...)
	if err != nil {
		return 0, err
	}
	replayed := 0
	keys := []string{c.keys.deadLetters(), c.keys.queue(c.config.Channel)}
	for _, l := range slices.Backward(letters) {
		n, err := replayScript.Run(ctx, l.server.redis, keys,
			l.raw, score(c.clock.take(1)), l.Message, c.config.Expiry).Int()
		if err != nil {
			return replayed, l.server.failure("replaying dead letter "+l.ID, err)
		}
		replayed += n
	}
	return replayed, nil
}

// letters reads the dead letters of all hosts, the newest first, or those with
// the given IDs.
func (c *Client) letters(ctx context.Context, ids ...string) ([]stored, error) {
	var list []stored
	for _, s := range c.servers {
		some, err := c.lettersAt(ctx, s, ids)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	if len(c.servers) > 1 {
		slices.SortStableFunc(list, func(a, b stored) int { return b.Time.Compare(a.Time) })
	}
	return list, nil
}

func (c *Client) lettersAt(ctx context.Context, s *server, ids []string) ([]stored, error) {
	all, err := s.redis.LRange(ctx, c.keys.deadLetters(), 0, -1).Result()
	if err != nil {
		return nil, s.failure("reading the dead letters", err)
	}
	list := make([]stored, 0, len(all))
	unreadable := 0
	for _, raw := range all {
		l := stored{raw: raw, server: s}
		if err := json.Unmarshal([]byte(raw), &l.letter); err != nil {
			unreadable++
			continue
		}
		if len(ids) == 0 || slices.Contains(ids, l.ID) {
			list = append(list, l)
		}
	}
	if unreadable > 0 {
		c.log.Warn("left out dead letters that cannot be read", "count", unreadable, "key", c.keys.deadLetters())
	}
	return list, nil
}
