package layer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"chanmqttproxy/messages"
)

// One call of the script carries at most so many events, and begins no further
// one above so many bytes: other clients wait while it runs.
const (
	maxCallEvents = 64
	maxCallBytes  = 512 << 10
)

// prefixLength is how many bytes channels_redis puts before a body.
const prefixLength = 12

// Send writes the events of a batch, in their order, as channels_redis does: for
// a group as group_send to all that are its members at that moment, for a
// channel as send. A full queue takes no more and is counted; so is a group's
// queue that is no sorted set. Whoever has no room delays nobody else.
//
// Calls for one target must not overlap. After an error the outcome is unknown,
// and the call may be repeated with the same batch: what was written and is not
// yet read is not written twice. Errors are *messages.LayerFailure.
func (c *Client) Send(ctx context.Context, b *messages.Batch) (messages.Outcome, error) {
	again := b.Stamp != 0
	if !again {
		b.Stamp = uint64(c.sender.clock.take(len(b.Events)))
	}
	typ := c.config.Channel + ".message"
	p := newPacker(c, b.Target, b.Stamp, again)
	for i := range b.Events {
		p.begin()
		p.buf = appendEvent(p.buf, typ, &b.Events[i], p.extra)
		p.end()
	}
	return c.send(ctx, b.Target, p.finish())
}

// SendMessages writes messages as they are, as Send writes events. Each must
// have text in all keys and something in it, and not the layer's own entry
// __asgi_channel__; where one cannot be packed nothing is written. Errors of
// Redis are *messages.LayerFailure; a repeated call writes again.
func (c *Client) SendMessages(ctx context.Context, target messages.Target, list ...messages.Map) (messages.Outcome, error) {
	p := newPacker(c, target, uint64(c.sender.clock.take(len(list))), false)
	for i, m := range list {
		p.begin()
		if err := p.message(m); err != nil {
			return messages.Outcome{}, fmt.Errorf("message %d for %s: %w", i, target, err)
		}
		p.end()
	}
	return c.send(ctx, target, p.finish())
}

func (c *Client) send(ctx context.Context, target messages.Target, calls []call) (messages.Outcome, error) {
	if len(calls) == 0 {
		return messages.Outcome{}, nil
	}
	outcome, err := c.sender.do(ctx, calls)
	if err != nil {
		return outcome, c.failure("writing to "+target.String(), err)
	}
	return outcome, nil
}

// call is one call of the script: its command line, in which the sender fills
// in what depends on the moment.
type call struct {
	args []any
	size int
}

// The places in a command line that the sender fills in.
const (
	argSHA        = 1
	argStale      = 8
	argStaleGroup = 9
	argFirstScore = 11
)

// packer makes calls of events. The bodies of a call share one buffer.
type packer struct {
	client *Client
	target messages.Target
	key    string
	kind   string
	again  string
	stamp  uint64
	extra  int    // entries of the layer's own in each message
	tail   []byte // their bytes, behind each message

	calls []call
	buf   []byte
	ends  []int // of the members in buf
}

func newPacker(c *Client, t messages.Target, stamp uint64, again bool) *packer {
	p := &packer{client: c, target: t, key: c.keys.queue(t.Name), kind: "queue", again: "0", stamp: stamp}
	if again {
		p.again = "1"
	}
	switch {
	case t.Kind == messages.Group:
		// The script adds the list of the names.
		p.key, p.kind, p.extra = c.keys.group(t.Name), "group", 1
		p.tail = appendStr(nil, asgiChannel)
	case strings.Contains(t.Name, "!"):
		p.extra = 1
		p.tail = appendAnyText(appendStr(nil, asgiChannel), t.Name)
	}
	return p
}

// begin starts a member with what makes it unlike all others: the process's
// random bytes and a number of its own, which also keeps the order where scores
// are equal.
func (p *packer) begin() {
	p.buf = append(p.buf, p.client.sender.random[:]...)
	p.buf = binary.BigEndian.AppendUint64(p.buf, p.stamp)
	p.stamp++
}

func (p *packer) end() {
	p.buf = append(p.buf, p.tail...)
	p.ends = append(p.ends, len(p.buf))
	if len(p.ends) >= maxCallEvents || len(p.buf) >= maxCallBytes {
		p.cut()
	}
}

// message appends one message that the caller made up.
func (p *packer) message(m messages.Map) (err error) {
	if len(m) == 0 {
		return errors.New("it is empty, which its reader would swallow")
	}
	if _, taken := m.Get(asgiChannel); taken {
		return errors.New("its key " + asgiChannel + " belongs to the layer")
	}
	p.buf, err = appendPairs(appendMapHead(p.buf, len(m)+p.extra), m, 0)
	return err
}

func (p *packer) finish() []call {
	if len(p.ends) > 0 {
		p.cut()
	}
	return p.calls
}

// cut makes a call of the members packed so far.
func (p *packer) cut() {
	config := &p.client.config
	args := make([]any, 0, argFirstScore+2*len(p.ends))
	args = append(args, "evalsha", "", 1, p.key,
		p.kind, *config.Prefix, config.Capacity, config.Expiry, "", "", p.again)
	start := 0
	for _, end := range p.ends {
		args = append(args, "", p.buf[start:end:end])
		start = end
	}
	p.calls = append(p.calls, call{args: args, size: len(p.buf)})
	p.buf, p.ends = nil, p.ends[:0]
}
