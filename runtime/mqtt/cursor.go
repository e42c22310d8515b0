package mqtt

import (
	"encoding/binary"
	"errors"
)

var (
	errShort       = errors.New("malformed packet: it ends within a value")
	errVariableInt = errors.New("malformed packet: a number has more than four bytes") // [MQTT-1.5.5-1]
)

// cursor takes values off the front of a packet, without copying them. After a failure
// all values are empty.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.b, c.err = nil, err
	}
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.fail(errShort)
		return nil
	}
	taken := c.b[:n:n]
	c.b = c.b[n:]
	return taken
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// data takes a string, or binary data (sections 1.5.4 and 1.5.6).
func (c *cursor) data() []byte { return c.take(int(c.uint16())) }

func (c *cursor) variableInt() uint32 {
	n, rest, ok := variableInt(c.b)
	switch {
	case ok:
		c.b = rest
	case len(c.b) < 4:
		c.fail(errShort)
	default:
		c.fail(errVariableInt)
	}
	return n
}

// variableInt reads a Variable Byte Integer (section 1.5.5) and returns what
// follows it. ok is false where it does not end within four bytes.
func variableInt(b []byte) (n uint32, rest []byte, ok bool) {
	for i := range min(4, len(b)) {
		n |= uint32(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return n, b[i+1:], true
		}
	}
	return 0, nil, false
}

// stringSize is the size of a string together with its length prefix, with which b begins.
func stringSize(b []byte) int {
	if len(b) < 2 {
		return len(b)
	}
	return 2 + int(binary.BigEndian.Uint16(b))
}
