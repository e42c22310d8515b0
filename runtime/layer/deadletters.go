package layer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// DeadLetter is a message of the command channel that could not be carried out.
type DeadLetter struct {
	// ID names it for DropDeadLetters and RequeueDeadLetters.
	ID string
	// Time is when it became one, and Reason why.
	Time   time.Time
	Reason string
	// Size is that of the message in bytes, as it was in Redis.
	Size int
	// Preview is the type of the command and the names of its keys, never what
	// they hold.
	Preview string
	// SHA256 is that of the whole message, if only its beginning is kept. Such a message
	// cannot be requeued.
	SHA256 string `json:",omitempty"`
}

// stored is a dead letter with its form in Redis.
type stored struct {
	letter
	raw    string
	server *server
}

// DeadLetters returns at most limit dead letters after the first offset, the newest first, and
// how many there are. It leaves out those that cannot be read, with a warning. Errors are
// *messages.LayerFailure.
func (c *Core) DeadLetters(ctx context.Context, offset, limit int) (page []DeadLetter, total int, err error) {
	first := offset // of those to be read at each host
	if len(c.servers) > 1 {
		first = 0
	}
	letters, err := c.letters(ctx, first, offset+limit-1)
	if err != nil {
		return nil, 0, err
	}
	for _, s := range c.servers {
		n, err := s.redis.LLen(ctx, c.keys.deadLetters()).Result()
		if err != nil {
			return nil, 0, s.failure("counting the dead letters", err)
		}
		total += int(n)
	}
	letters = letters[min(offset-first, len(letters)):]
	oldest := time.Now().Add(-c.config.DeadLetterAge)
	for i, l := range letters[:min(limit, len(letters))] {
		if l.Time.Before(oldest) { // and so are all that follow
			return page, offset + i, nil
		}
		page = append(page, DeadLetter{
			ID: l.ID, Time: l.Time, Reason: l.Reason, Size: l.Size, Preview: l.Preview, SHA256: l.SHA256,
		})
	}
	return page, total, nil
}

// DropDeadLetters deletes the dead letters with those IDs, or all if none are given, and returns
// how many there were. Errors are *messages.LayerFailure.
func (c *Core) DropDeadLetters(ctx context.Context, ids ...string) (int, error) {
	if len(ids) == 0 {
		return c.dropAll(ctx)
	}
	letters, err := c.letters(ctx, 0, -1, ids...)
	if err != nil {
		return 0, err
	}
	dropped := 0
	for _, l := range letters {
		n, err := c.drop(ctx, l)
		if err != nil {
			return dropped, l.server.failure("dropping dead letter "+l.ID, err)
		}
		dropped += n
	}
	return dropped, nil
}

// drop deletes one, and returns 1 if it was there, else 0.
func (c *Core) drop(ctx context.Context, l stored) (int, error) {
	return dropScript.Run(ctx, l.server.redis, c.keys.letters(), l.raw, l.ID).Int()
}

func (c *Core) dropAll(ctx context.Context) (dropped int, err error) {
	for _, s := range c.servers {
		var there *redis.IntCmd
		_, err := s.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
			there = p.LLen(ctx, c.keys.deadLetters())
			p.Del(ctx, c.keys.letters()...)
			return nil
		})
		if err != nil {
			return dropped, s.failure("dropping all dead letters", err)
		}
		dropped += int(there.Val())
	}
	return dropped, nil
}

// RequeueDeadLetters puts the messages of the dead letters with those IDs, or of all if none are
// given, back into the command channel, the oldest first, as if they were sent now. The channel's
// capacity does not count. Each leaves the dead letters as it enters the channel. It returns how
// many did. Errors are *messages.LayerFailure, or, if all others were requeued,
// *IncompleteLetters.
func (c *Core) RequeueDeadLetters(ctx context.Context, ids ...string) (int, error) {
	keys := append(c.keys.letters(), c.keys.queue(c.config.Channel))
	return c.requeueEach(ctx, ids, func(l stored) (int, error) {
		n, err := requeueScript.Run(ctx, l.server.redis, keys, l.raw, l.ID, score(c.clock.take(1)), c.config.Expiry).Int()
		if err != nil {
			err = l.server.failure("requeueing dead letter "+l.ID, err)
		}
		return n, err
	})
}

// IncompleteLetters says that dead letters were not requeued, since only the beginning of their
// messages is kept.
type IncompleteLetters struct{ Count int }

func (e *IncompleteLetters) Error() string {
	return fmt.Sprintf("%d cannot be put back: they were larger than DEAD_LETTER_BYTES, and only their beginning was kept; have them sent again", e.Count)
}

// requeueEach requeues the letters that are complete, the oldest first.
func (c *Core) requeueEach(ctx context.Context, ids []string, requeue func(stored) (int, error)) (requeued int, err error) {
	letters, err := c.letters(ctx, 0, -1, ids...)
	if err != nil {
		return 0, err
	}
	incomplete := 0
	for _, l := range slices.Backward(letters) {
		if l.SHA256 != "" {
			incomplete++
			continue
		}
		n, err := requeue(l)
		if err != nil {
			return requeued, err
		}
		requeued += n
	}
	if incomplete > 0 {
		return requeued, &IncompleteLetters{incomplete}
	}
	return requeued, nil
}

// letters reads the dead letters of each host between two positions, both included, the newest
// first, or those of them with the given IDs.
func (c *Core) letters(ctx context.Context, first, last int, ids ...string) ([]stored, error) {
	var list []stored
	for _, s := range c.servers {
		some, err := c.lettersAt(ctx, s, first, last, ids)
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

func (c *Core) lettersAt(ctx context.Context, s *server, first, last int, ids []string) ([]stored, error) {
	all, err := s.redis.LRange(ctx, c.keys.deadLetters(), int64(first), int64(last)).Result()
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
		c.log.Warn("ignored dead letters that cannot be read", "count", unreadable, "key", c.keys.deadLetters())
	}
	return list, nil
}
