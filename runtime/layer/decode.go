package layer

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"chanmqttproxy/messages"
)

// DecodeMessage reads one msgpack message as Python's unpackb does with
// raw=False and strict_map_key=True, and refuses what that refuses: map keys
// that are not text, text that is not valid UTF-8, the byte 0xc1, truncated
// input and trailing bytes, more than 1023 containers inside each other below
// the top. Of a key that comes twice the last value wins, in the place of the
// first.
//
// Stricter than Python it also refuses a top that is not a map, ext types and
// timestamps, and map keys of type bin, for which messages.Map has no place.
//
// Text of the result shares body's memory. What is allocated is bounded by a
// small multiple of len(body) whatever lengths body claims. Errors tell the
// offset and never the content.
func DecodeMessage(body string) (messages.Map, error) { return decodeMessage(body, 0) }

// decodeMessage is DecodeMessage for a message of at most so many elements, if
// that is not 0. It builds no more than those.
func decodeMessage(body string, elements int) (messages.Map, error) {
	d := decoder{in: body, elements: elementCount{most: elements}}
	v, err := d.value(0)
	if err == nil && d.at < len(body) {
		err = errTrailing
	}
	if err != nil {
		return nil, fmt.Errorf("unpacking a layer message of %d bytes: at byte %d: %w", len(body), d.at, err)
	}
	m, ok := v.(messages.Map)
	if !ok {
		return nil, fmt.Errorf("unpacking a layer message of %d bytes: the top is not a map", len(body))
	}
	return m, nil
}

var (
	errTruncated = errors.New("truncated")
	errTrailing  = errors.New("trailing bytes")
	errReserved  = errors.New("the reserved byte 0xc1")
	errExt       = errors.New("ext types and timestamps are not supported")
	errKey       = errors.New("a map key that is not text")
)

// elementCount counts the elements of a message: its containers, what they hold,
// and the keys of dicts.
type elementCount struct{ n, most int }

// more counts one more element. It is an error where that is one too many.
func (e *elementCount) more() error {
	if e.n++; e.most > 0 && e.n > e.most {
		return errElements(e.most)
	}
	return nil
}

// errElements is the number of elements that is exceeded.
type errElements int

func (e errElements) Error() string {
	return fmt.Sprintf("more than %d elements: send less at a time, or raise COMMAND_MAX_ELEMENTS", int(e))
}

// decoder is a cursor over one message.
type decoder struct {
	in       string
	at       int
	elements elementCount
}

// value reads one value which stands inside depth containers below the top.
func (d *decoder) value(depth int) (messages.Value, error) {
	if d.at >= len(d.in) {
		return nil, errTruncated
	}
	if err := d.elements.more(); err != nil {
		return nil, err
	}
	c := d.in[d.at]
	d.at++
	switch {
	case c < 0x80:
		return int64(c), nil
	case c < 0x90:
		return d.dict(int(c&15), depth)
	case c < 0xa0:
		return d.list(int(c&15), depth)
	case c < 0xc0:
		return d.text(int(c & 31))
	case c >= 0xe0:
		return int64(int8(c)), nil
	}
	return d.long(c, depth)
}

// long reads what follows a head byte between 0xc0 and 0xdf.
func (d *decoder) long(c byte, depth int) (messages.Value, error) {
	switch c {
	case 0xc0:
		return nil, nil
	case 0xc1:
		return nil, errReserved
	case 0xc2, 0xc3:
		return c == 0xc3, nil
	case 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return nil, errExt
	case 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3:
		return d.number(c)
	}
	n, err := d.uint(lengthWidth[c-0xc0])
	if err != nil {
		return nil, err
	}
	if n > uint64(len(d.in)) { // also keeps n in the range of an int
		return nil, errTruncated
	}
	switch c {
	case 0xc4, 0xc5, 0xc6:
		s, err := d.take(int(n))
		return []byte(s), err
	case 0xd9, 0xda, 0xdb:
		return d.text(int(n))
	case 0xdc, 0xdd:
		return d.list(int(n), depth)
	default:
		return d.dict(int(n), depth)
	}
}

// lengthWidth is the number of length bytes after the heads of bin, str, array
// and map, from 0xc0.
var lengthWidth = [32]int{
	0xc4 - 0xc0: 1, 0xc5 - 0xc0: 2, 0xc6 - 0xc0: 4,
	0xd9 - 0xc0: 1, 0xda - 0xc0: 2, 0xdb - 0xc0: 4,
	0xdc - 0xc0: 2, 0xdd - 0xc0: 4, 0xde - 0xc0: 2, 0xdf - 0xc0: 4,
}

func (d *decoder) number(c byte) (messages.Value, error) {
	width := numberWidth(c)
	n, err := d.uint(width)
	switch {
	case err != nil:
		return nil, err
	case c == 0xca:
		return float64(math.Float32frombits(uint32(n))), nil
	case c == 0xcb:
		return math.Float64frombits(n), nil
	case c >= 0xd0:
		shift := 64 - 8*width
		return int64(n<<shift) >> shift, nil
	case n > math.MaxInt64:
		return n, nil
	default:
		return int64(n), nil
	}
}

// numberWidth is how many bytes follow the head of a number.
func numberWidth(c byte) int {
	if c < 0xcc {
		return 4 << (c - 0xca)
	}
	return 1 << (c & 3) // cc…cf and d0…d3 count up from one byte
}

// uint reads a big-endian number of width bytes.
func (d *decoder) uint(width int) (uint64, error) {
	s, err := d.take(width)
	var n uint64
	for i := range len(s) {
		n = n<<8 | uint64(s[i])
	}
	return n, err
}

func (d *decoder) take(n int) (string, error) {
	if n > len(d.in)-d.at {
		return "", errTruncated
	}
	s := d.in[d.at : d.at+n]
	d.at += n
	return s, nil
}

func (d *decoder) text(n int) (messages.Value, error) {
	s, err := d.take(n)
	if err == nil && !utf8.ValidString(s) {
		err = errText
	}
	return s, err
}

// room is how much to allocate before the first of n elements was read: a head
// may claim any number.
func room(n int) int { return min(n, 16) }

func (d *decoder) list(n, depth int) (messages.Value, error) {
	if depth > maxDecodeDepth {
		return nil, errDepth
	}
	list := make([]any, 0, room(n))
	for range n {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
