package layer

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	outcome, err := c.send(ctx, d, b.Skip, p.finish())
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
	return c.send(ctx, d, nil, p.finish())
}

// send makes the calls one after the other: a queue that had no room in one is
// left alone by those that follow.
func (c *Client) send(ctx context.Context, d destination, skip []string, calls []call) (messages.Outcome, error) {
	var outcome messages.Outcome
	refused := map[string]bool{}
	for _, call := range calls {
		for _, name := range skip {
			call.args = append(call.args, name)
		}
		for name := range refused {
			call.args = append(call.args, name)
		}
		answer, err := c.sender.do(ctx, call)
		if err == nil {
			err = d.note(&outcome, refused, skip, call.first, answer)
		}
		if err != nil {
			return messages.Outcome{}, c.failure("writing to "+d.target.String(), err)
		}
	}
	return outcome, nil
}

var errAnswer = errors.New("an answer that the script cannot have given")

// note adds what one call answered. Queues that are known to refuse are known
// with what they took.
func (d destination) note(o *messages.Outcome, refused map[string]bool, skip []string, first int, answer []any) error {
	if len(answer)%3 != 1 {
		return errAnswer
	}
	stored, ok := answer[0].(int64)
	o.Stored += int(stored)
	for rest := answer[1:]; ok && len(rest) > 0; rest = rest[3:] {
		name, isText := rest[0].(string)
		taken, isNumber := rest[1].(int64)
		names, isList := rest[2].([]any)
		ok = isText && isNumber && isList
		if !ok || refused[name] {
			continue
		}
		refused[name] = true
		r := messages.Refusal{Queue: d.queue(name, names), From: first + int(taken)}
		if slices.Contains(skip, name) {
			r.From = 0
		}
		o.Refused = append(o.Refused, r)
	}
	if !ok {
		return errAnswer
	}
	return nil
}
