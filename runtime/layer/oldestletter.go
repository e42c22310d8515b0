package layer

import (
	"context"
	"encoding/json"
	"time"

	"github.com/redis/go-redis/v9"
)

// OldestDeadLetter returns how many dead letters are stored, and since when the
// oldest is; the zero time: there is none. One older than Config.DeadLetterAge counts until
// it is forgotten: with the next dead letter, or when none has come for that long. Errors are *messages.LayerFailure.
func (c *Core) OldestDeadLetter(ctx context.Context) (count int, since time.Time, err error) {
	for _, s := range c.servers {
		var number *redis.IntCmd
		var last *redis.StringCmd
		_, err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			number, last = p.LLen(ctx, c.keys.deadLetters()), p.LIndex(ctx, c.keys.deadLetters(), -1)
			return nil
		})
		if err != nil && err != redis.Nil {
			return 0, time.Time{}, s.failure("looking for the oldest dead letter", err)
		}
		count += int(number.Val())
		var oldest letter
		if json.Unmarshal([]byte(last.Val()), &oldest) == nil && (since.IsZero() || oldest.Time.Before(since)) {
			since = oldest.Time
		}
	}
	return count, since, nil
}
