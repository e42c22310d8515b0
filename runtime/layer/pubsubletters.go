package layer

import (
	"context"
	"errors"
	"slices"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// Bury puts received commands among the dead letters, of which the newest
// Config.DeadLetters are kept. Those that were acknowledged or buried are left
// alone; one whose burial failed may be there twice when it is repeated. Errors
// are *messages.LayerFailure.
func (p *PubSub) Bury(ctx context.Context, burials []messages.Burial) error {
	s := p.subscriber
	for _, b := range burials {
		member := string(b.Receipt)
		if !s.has(member) {
			continue
		}
		_, err := s.server.redis.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.LPush(ctx, p.keys.deadLetters(), newLetter(burial{member, b.Reason}))
			pipe.LTrim(ctx, p.keys.deadLetters(), 0, int64(p.config.DeadLetters)-1)
			return nil
		})
		if err != nil {
			return s.server.failure("moving messages of channel "+p.config.Channel+" to the dead letters", err)
		}
		s.forget([]messages.Receipt{b.Receipt})
	}
	return nil
}

// has says whether a command was handed out and not acknowledged.
func (s *subscriber) has(member string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.taken.members, member)
}

var errNobody = errors.New("no worker listens: nothing was put back, since a pub/sub layer would lose it")

// ReplayDeadLetters publishes the messages of the dead letters with those IDs, or
// of all when none are given, to whoever reads the command channel, the first
// buried first. Each leaves the dead letters when somebody got it. It returns how
// many that were. Errors are *messages.LayerFailure.
func (p *PubSub) ReplayDeadLetters(ctx context.Context, ids ...string) (int, error) {
	letters, err := p.letters(ctx, ids...)
	if err != nil {
		return 0, err
	}
	replayed := 0
	for _, l := range slices.Backward(letters) {
		n, err := p.replay(ctx, l)
		if err != nil {
			return replayed, p.subscriber.server.failure("replaying dead letter "+l.ID, err)
		}
		replayed += n
	}
	return replayed, nil
}

func (p *PubSub) replay(ctx context.Context, l stored) (int, error) {
	body := l.Message[min(len(l.Message), prefixLength):]
	got, err := p.subscriber.server.redis.Publish(ctx, p.config.Channel, body).Result()
	if err == nil && got == 0 {
		err = errNobody
	}
	if err != nil {
		return 0, err
	}
	n, err := l.server.redis.LRem(ctx, p.keys.deadLetters(), 1, l.raw).Result()
	return int(n), err
}
