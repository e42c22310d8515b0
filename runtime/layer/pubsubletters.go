package layer

import (
	"context"
	"errors"
	"slices"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// AddDeadLetters puts received commands among the dead letters, as a Core's does. Those that
// are no longer under way are left alone. After a failure one may be there twice when the
// call is repeated. Errors are *messages.LayerFailure.
func (p *PubSub) AddDeadLetters(ctx context.Context, letters []messages.DeadLetter) error {
	s := p.subscriber
	for _, b := range letters {
		member := string(b.Receipt)
		if !s.has(member) {
			continue
		}
		if err := p.writeDeadLetters(ctx, s.server, p.keys.letters(), []deadMember{{member, b.Reason}}); err != nil {
			return err
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

// RequeueDeadLetters publishes the messages of the dead letters with those IDs, or
// of all when none are given, to whoever reads the command channel, the
// oldest first. Each leaves the dead letters when somebody got it. It returns how
// many that were. Errors are *messages.LayerFailure, or, when all others were
// requeued, *IncompleteLetters.
func (p *PubSub) RequeueDeadLetters(ctx context.Context, ids ...string) (int, error) {
	return p.requeueEach(ctx, ids, func(l stored) (int, error) {
		n, err := p.requeue(ctx, l)
		if err != nil {
			err = p.subscriber.server.failure("requeueing dead letter "+l.ID, err)
		}
		return n, err
	})
}

func (p *PubSub) requeue(ctx context.Context, l stored) (int, error) {
	member, err := l.server.redis.HGet(ctx, p.keys.letters()[1], l.ID).Result()
	switch {
	case errors.Is(err, redis.Nil): // somebody took it away
		return 0, nil
	case err != nil:
		return 0, err
	}
	body := member[min(len(member), prefixLength):]
	got, err := p.subscriber.server.redis.Publish(ctx, p.config.Channel, body).Result()
	if err == nil && got == 0 {
		err = errNobody
	}
	if err != nil {
		return 0, err
	}
	return p.drop(ctx, l)
}
