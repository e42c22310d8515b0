package layer

import (
	"cmp"
	"context"
	"slices"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// Queues are the queues from which the targets' members read, and the streams among the
// targets, by name, and how full each is. Errors are *messages.LayerFailure.
func (c *Core) Queues(ctx context.Context, targets []messages.Target) ([]messages.QueueInfo, error) {
	members, err := c.reached(ctx, targets)
	if err != nil {
		return nil, err
	}
	queues := queuesOf(members)
	lengths := make([]int64, len(queues))
	for _, s := range c.servers {
		if err := c.lengths(ctx, s, queues, lengths); err != nil {
			return nil, err
		}
	}
	list, err := c.streamQueues(ctx, targets)
	if err != nil {
		return nil, err
	}
	for i, q := range queues {
		list = append(list, messages.QueueInfo{Name: q.Name, Length: int(lengths[i]), Capacity: c.config.capacityOf(q.Members[0]), Members: len(q.Members)})
	}
	slices.SortFunc(list, func(a, b messages.QueueInfo) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// Queues are the streams alone: the pub/sub back end has no queues.
func (p *PubSub) Queues(ctx context.Context, targets []messages.Target) ([]messages.QueueInfo, error) {
	return p.streamQueues(ctx, targets)
}

// reached are the channels that targets reach, each once.
func (c *Core) reached(ctx context.Context, targets []messages.Target) (names []string, err error) {
	seen := map[string]bool{}
	see := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for chunk := range slices.Chunk(targets, maxLook) {
		for _, s := range c.servers {
			groups, err := c.membersOn(ctx, s, chunk)
			if err != nil {
				return nil, err
			}
			for _, group := range groups {
				for _, name := range group.Val() {
					see(name)
				}
			}
		}
		for _, t := range chunk {
			if t.Kind == messages.Channel {
				see(t.Name)
			}
		}
	}
	return names, nil
}

// membersOn asks a host for the members of its groups.
func (c *Core) membersOn(ctx context.Context, s *server, targets []messages.Target) (groups []*redis.StringSliceCmd, err error) {
	oldest := c.oldestMember()
	pipe := s.redis.Pipeline()
	for _, t := range targets {
		if t.Kind == messages.Group && c.has(s, t) {
			groups = append(groups, pipe.ZRangeByScore(ctx, c.keys.group(t.Name), &redis.ZRangeBy{Min: oldest, Max: "+inf"}))
		}
	}
	if len(groups) == 0 {
		return nil, nil
	}
	if _, err := pipe.Exec(ctx); err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") {
		return nil, s.failure("reading the members of groups", err)
	}
	return groups, nil
}

// lengths adds how long the queues on a host are.
func (c *Core) lengths(ctx context.Context, s *server, queues []messages.Queue, lengths []int64) error {
	pipe := s.redis.Pipeline()
	asked := map[int]*redis.IntCmd{}
	for i, q := range queues {
		if c.has(s, messages.Target{Kind: messages.Channel, Name: q.Name}) {
			asked[i] = pipe.ZCard(ctx, c.keys.queue(q.Name))
		}
	}
	if len(asked) == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") {
		return s.failure("reading the lengths of queues", err)
	}
	for i, length := range asked {
		lengths[i] += length.Val()
	}
	return nil
}
