package layer

import (
	"context"
	"fmt"

	"chanmqttproxy/messages"
)

// Send writes the bundles of a batch, in their order, as channels_redis does:
// for a group as group_send to all that are its members at that moment, for a
// channel as send; with Batch.Queue only to that queue, for the members that it
// names. Each queue takes the first bundles for which it has room, never a later
// one without those before it, and is reported with the rest; so is one that is
// no sorted set or is to be skipped, with From 0. Whoever has no room delays
// nobody else. Members whose names are not UTF-8 are left out.
//
// Undecodable payloads are counted where Batch.Queue is not set: what goes to one
// queue only was counted when it was refused.
//
// Calls for one target must not overlap, unless they write to different queues.
// After an error the outcome is unknown,
// and the call may be repeated with the same batch: what was written and is not
// yet read is not written twice. Errors are *messages.LayerFailure.
func (c *Client) Send(ctx context.Context, b *messages.Batch) (messages.Outcome, error) {
	again := b.Stamp != 0
	if !again {
		b.Stamp = uint64(c.sender.clock.take(len(b.Bundles)))
	}
	d := c.destination(b.Target, b.Queue)
	p := newPacker(c, d, b.Stamp, again)
	undecodable := 0
	for i := range b.Bundles {
		undecodable += p.bundle(&b.Bundles[i])
	}
	outcome, err := c.write(ctx, d, b.Skip, p.finish())
	if err == nil && b.Queue == nil {
		outcome.Undecodable = undecodable
	}
	return outcome, err
}

// SendMessages writes messages as they are, as Send writes bundles. Each must
// have text in all keys and something in it, and not the layer's own entry
// __asgi_channel__; where one cannot be packed nothing is written. Errors of
// Redis are *messages.LayerFailure; a repeated call writes again.
func (c *Client) SendMessages(ctx context.Context, target messages.Target, list ...messages.Map) (messages.Outcome, error) {
	d := c.destination(target, nil)
	p := newPacker(c, d, uint64(c.sender.clock.take(len(list))), false)
	for i, m := range list {
		if err := p.message(m); err != nil {
			return messages.Outcome{}, fmt.Errorf("message %d for %s: %w", i, target, err)
		}
	}
	return c.write(ctx, d, nil, p.finish())
}
