package layer

import (
	"context"
	"encoding/json"
	"time"

	"github.com/redis/go-redis/v9"
)

// OldestDeadLetter returns how many dead letters are stored, and when the oldest was
// buried; the zero time: there is none. What is older than Config.DeadLetterAge counts
// until it is forgotten, which is when another one is buried, or nothing has been for
// that long. Errors are *messages.LayerFailure.
func (c *Client) OldestDeadLetter(ctx context.Context) (count int, buried time.Time, err error) {
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
		if json.Unmarshal([]byte(last.Val()), &oldest) == nil && (buried.IsZero() || oldest.Time.Before(buried)) {
			buried = oldest.Time
		}
	}
	return count, buried, nil
}
