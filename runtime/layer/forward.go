package layer

import (
	"context"

	"chanmqttproxy/messages"
)

// Forward gives received messages to another session slot, in whose queue they keep
// their places. It is atomic for some at a time, and may be repeated. Errors are
// *messages.LayerFailure.
func (c *Client) Forward(ctx context.Context, slot int, receipts []messages.Receipt) error {
	members := make([][]string, len(c.servers))
	for _, r := range receipts {
		s, member := c.member(r)
		members[s.index] = append(members[s.index], member)
	}
	to := c.keys
	to.slot = slot
	var errs []error
	for i, s := range c.servers {
		errs = append(errs, s.forward(ctx, to.commands(), members[i]))
	}
	return firstError(errs)
}

func (s *server) forward(ctx context.Context, queue string, members []string) error {
	c := s.reader.client
	keys := []string{c.keys.inflight(s.reader.id), queue}
	for some := range chunks(members) {
		args := []any{c.config.Expiry}
		for _, m := range some {
			args = append(args, m)
		}
		if err := forwardScript.Run(ctx, s.redis, keys, args...).Err(); err != nil {
			return s.failure("forwarding commands of channel "+c.config.Channel, err)
		}
		s.reader.inflight.remove(some)
	}
	return nil
}
