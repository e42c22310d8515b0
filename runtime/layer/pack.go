package layer

import (
	"encoding/binary"
	"slices"

	"chanmqttproxy/messages"
)

// One call of the script carries at most so many events, if the batch has no CallLimit, and
// begins no further message above so many bytes: other clients wait while it runs.
const (
	maxCallEvents = 64
	maxCallBytes  = 512 << 10
)

// prefixLength is how many bytes channels_redis puts before a body by default.
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
	argDeadline   = 10
	argFirstScore = 15
)

// packer makes calls of messages. The bodies of a call share one buffer.
type packer struct {
	destination
	config *Config
	codec  *codec
	random []byte
	prefix int // length
	again  string
	stamp  uint64

	most   int // events of a call
	coming int // bundles that are not packed yet, as far as it is known
	calls  []call
	packed int // messages in calls
	buf    []byte
	body   int   // where that of the last member begins in buf
	ends   []int // of the members in buf
	events int   // in buf
}

func newPacker(c *Core, d destination, stamp uint64, again bool) *packer {
	p := &packer{
		destination: d, config: &c.config, codec: c.codec,
		random: c.random[:], prefix: *c.config.RandomPrefixLength, stamp: stamp, most: maxCallEvents,
	}
	if again {
		p.again = score(int64(stamp))
	}
	return p
}

// bundle appends one bundle.
func (p *packer) bundle(b *messages.Bundle) (u oddities) {
	if p.buf == nil {
		n := max(1, min(p.coming, p.most))
		p.buf = make([]byte, 0, min(n*p.room(b), maxCallBytes))
		p.ends = slices.Grow(p.ends, n)
	}
	p.coming--
	p.startMember()
	for i := range b.Events { // a large payload is not copied again and again as the buffer grows
		if m := b.Events[i].Message; m != nil && len(m.Payload) > maxCallBytes/8 {
			p.buf = slices.Grow(p.buf, b.Events[i].PackedSize())
		}
	}
	p.buf, u = p.codec.bundle(p.buf, b, p.extra)
	p.endMember(len(b.Events))
	return u
}

// room is about what a bundle measures when it is packed, in bytes.
func (p *packer) room(b *messages.Bundle) int {
	n := p.prefix + len(p.tail) + 64
	for i := range b.Events {
		if m := b.Events[i].Message; m != nil {
			n += 64 + len(m.Topic) + len(m.Payload)*5/4
		}
	}
	return n
}

// startMember starts a member with what makes it unlike all others: the process's
// random bytes and a number of its own, which also keeps the order where scores
// are equal.
func (p *packer) startMember() {
	p.buf = appendPrefix(p.buf, p.random, p.stamp, p.prefix)
	p.body = len(p.buf)
	p.stamp++
}

// appendPrefix appends n bytes: the last of a number, and before these as many
// as there is room for of random ones; what is left is zeros.
func appendPrefix(dst, random []byte, number uint64, n int) []byte {
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], number)
	short := min(n, len(wide))
	dst = append(dst, random[:min(len(random), n-short)]...)
	dst = append(dst, wide[len(wide)-short:]...)
	return append(dst, make([]byte, max(0, n-short-len(random)))...)
}

func (p *packer) endMember(events int) {
	p.buf = append(p.buf, p.tail...)
	p.buf = p.codec.seal(p.buf, p.body, p.stamp-1, p.key)
	p.ends = append(p.ends, len(p.buf))
	p.events += events
	if p.events >= p.most || len(p.buf) >= maxCallBytes {
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
	args := p.config.command(p.destination, 2*len(p.ends))
	args = append(args, p.again, len(p.ends))
	from, to := p.codec.identity(p.prefix)
	args = append(args, from, to)
	start := 0
	for _, end := range p.ends {
		args = append(args, "", p.buf[start:end:end])
		start = end
	}
	p.calls = append(p.calls, call{args: args, first: p.packed, count: len(p.ends), size: len(p.buf)})
	p.packed += len(p.ends)
	p.buf, p.ends, p.events = nil, p.ends[:0], 0
}

// command begins a call of the script, with room for its messages.
func (c *Config) command(d destination, room int) []any {
	args := make([]any, 0, argFirstScore+room)
	return append(args, "evalsha", "", 1, d.key, d.kind, *c.Prefix, d.capacity, c.Expiry, "", "", "")
}
