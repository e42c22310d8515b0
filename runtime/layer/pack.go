package layer

import (
	"encoding/binary"
	"errors"

	"chanmqttproxy/messages"
)

// One call of the script carries at most so many events, and begins no further
// message above so many bytes: other clients wait while it runs.
const (
	maxCallEvents = 64
	maxCallBytes  = 512 << 10
)

// prefixLength is how many bytes channels_redis puts before a body.
const prefixLength = 12

// call is one call of the script: its command line, in which the sender fills
// in what depends on the moment.
type call struct {
	args  []any
	first int // place in the batch of its first message
	count int // of messages
	size  int // in bytes
}

// The places in a command line that the sender fills in.
const (
	argSHA        = 1
	argStale      = 8
	argStaleGroup = 9
	argFirstScore = 12
)

// packer makes calls of messages. The bodies of a call share one buffer.
type packer struct {
	destination
	config *Config
	random []byte
	again  string
	stamp  uint64

	calls  []call
	packed int // messages in calls
	buf    []byte
	ends   []int // of the members in buf
	events int   // in buf
}

func newPacker(c *Client, d destination, stamp uint64, again bool) *packer {
	p := &packer{destination: d, config: &c.config, random: c.sender.random[:], stamp: stamp}
	if again {
		p.again = score(int64(stamp))
	}
	return p
}

// bundle appends one bundle and returns how many of its payloads were not what
// they should have been.
func (p *packer) bundle(b *messages.Bundle) (undecodable int) {
	p.begin()
	p.buf, undecodable = appendBundle(p.buf, p.config.Channel, b, p.extra)
	p.end(len(b.Events))
	return undecodable
}

// message appends one message that the caller made up.
func (p *packer) message(m messages.Map) (err error) {
	if len(m) == 0 {
		return errors.New("it is empty, which its reader would swallow")
	}
	if _, taken := m.Get(asgiChannel); taken {
		return errors.New("its key " + asgiChannel + " belongs to the layer")
	}
	p.begin()
	if p.buf, err = appendPairs(appendMapHead(p.buf, len(m)+p.extra), m, 0); err != nil {
		return err
	}
	p.end(1)
	return nil
}

// begin starts a member with what makes it unlike all others: the process's
// random bytes and a number of its own, which also keeps the order where scores
// are equal.
func (p *packer) begin() {
	p.buf = append(p.buf, p.random...)
	p.buf = binary.BigEndian.AppendUint64(p.buf, p.stamp)
	p.stamp++
}

func (p *packer) end(events int) {
	p.buf = append(p.buf, p.tail...)
	p.ends = append(p.ends, len(p.buf))
	p.events += events
	if p.events >= maxCallEvents || len(p.buf) >= maxCallBytes {
		p.cut()
	}
}

func (p *packer) finish() []call {
	if len(p.ends) > 0 {
		p.cut()
	}
	return p.calls
}

// cut makes a call of the members packed so far.
func (p *packer) cut() {
	args := make([]any, 0, argFirstScore+2*len(p.ends))
	args = append(args, "evalsha", "", 1, p.key,
		p.kind, *p.config.Prefix, p.config.Capacity, p.config.Expiry, "", "", p.again, len(p.ends))
	start := 0
	for _, end := range p.ends {
		args = append(args, "", p.buf[start:end:end])
		start = end
	}
	p.calls = append(p.calls, call{args: args, first: p.packed, count: len(p.ends), size: len(p.buf)})
	p.packed += len(p.ends)
	p.buf, p.ends, p.events = nil, p.ends[:0], 0
}
