package layer

import (
	"slices"
	"strings"

	"chanmqttproxy/messages"
)

// raw is a value of a message that is not decoded: msgpack, or JSON in UTF-8. It
// is for messages that cannot be decoded, or should not be since they are large:
// reading it builds nothing.
type raw struct {
	in   string
	json bool
}

// entries calls do with the key and the value of each entry of a dict, as far as
// they can be read. Keys that are not text are left out with their values. A
// value need not be valid in itself. It returns false where v is no dict.
func (v raw) entries(do func(key string, value raw)) bool {
	if v.json {
		return jsonEntries(v.in, do)
	}
	d := decoder{in: v.in}
	n, ok := d.mapHead()
	for range n {
		key, text := d.key()
		start := d.at
		if !d.skip() {
			break
		}
		if text {
			do(key, raw{in: d.in[start:d.at]})
		}
	}
	return ok
}

// text is the value, where it is a str.
func (v raw) text() (string, bool) {
	d := decoder{in: v.in}
	if v.json {
		p := jsonParser{in: []byte(v.in)}
		if p.document() != carried {
			return "", false
		}
		d.in = string(p.out)
	}
	return d.key()
}

// mapHead reads the head of a map, and says whether it is one.
func (d *decoder) mapHead() (n int, ok bool) {
	switch c := d.peek(); {
	case c&0xf0 == 0x80:
		d.at++
		return int(c & 15), true
	case c == 0xde, c == 0xdf:
		d.at++
		n, err := d.uint(lengthWidth[c-0xc0])
		return int(n), err == nil
	}
	return 0, false
}

// peek is the next byte, or 0xc1, which begins nothing.
func (d *decoder) peek() byte {
	if d.at >= len(d.in) {
		return 0xc1
	}
	return d.in[d.at]
}

// key reads a str, or skips what else is there.
func (d *decoder) key() (key string, ok bool) {
	c := d.peek()
	if c&0xe0 != 0xa0 && c != 0xd9 && c != 0xda && c != 0xdb {
		d.skip()
		return "", false
	}
	start := d.at
	v, err := d.value(0)
	if err != nil { // perhaps no UTF-8
		d.at = start
		d.skip()
		return "", false
	}
	key, ok = v.(string)
	return key, ok
}

// skip moves over one value with all that it holds, and says whether it is whole.
// What is no value has no end: the cursor stays at it.
func (d *decoder) skip() bool {
	for pending := 1; pending > 0; pending-- {
		c := d.peek()
		if c == 0xc1 {
			return false
		}
		d.at++
		size, elements, err := d.extent(c)
		if err == nil {
			_, err = d.take(size)
		}
		if err != nil {
			d.at = len(d.in)
			return false
		}
		pending += elements
	}
	return true
}

// extent is how many bytes, and then how many values, belong to a head byte. It
// reads the length that follows it.
func (d *decoder) extent(c byte) (size, elements int, err error) {
	switch {
	case c < 0x80, c >= 0xe0, c <= 0xc3 && c >= 0xc0:
		return 0, 0, nil
	case c < 0x90:
		return 0, 2 * int(c&15), nil
	case c < 0xa0:
		return 0, int(c & 15), nil
	case c < 0xc0:
		return int(c & 31), 0, nil
	case c >= 0xca && c <= 0xd3:
		return numberWidth(c), 0, nil
	case c >= 0xd4 && c <= 0xd8: // ext of a fixed size, behind its type
		return 1 + 1<<(c-0xd4), 0, nil
	case c >= 0xc7 && c <= 0xc9:
		n, err := d.uint(1 << (c - 0xc7))
		return int(n) + 1, 0, err
	}
	n, err := d.uint(lengthWidth[c-0xc0])
	switch c {
	case 0xdc, 0xdd:
		return 0, int(n), err
	case 0xde, 0xdf:
		return 0, 2 * int(n), err
	}
	return int(n), 0, err
}

// jsonEntries is entries for JSON. It does not look for what Python would refuse
// between the values.
func jsonEntries(in string, do func(key string, value raw)) bool {
	s := jsonScanner{in: in}
	if s.space(); !s.take('{') {
		return false
	}
	for {
		s.space()
		start := s.at
		if !s.text() {
			return true
		}
		key, ok := raw{in: in[start:s.at], json: true}.text()
		if s.space(); !s.take(':') {
			return true
		}
		s.space()
		start = s.at
		if !s.value() {
			return true
		}
		if ok {
			do(key, raw{in: in[start:s.at], json: true})
		}
		if s.space(); !s.take(',') {
			return true
		}
	}
}

// jsonScanner finds the ends of JSON values.
type jsonScanner struct {
	in string
	at int
}

func (s *jsonScanner) peek() byte {
	if s.at < len(s.in) {
		return s.in[s.at]
	}
	return 0
}

func (s *jsonScanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

func (s *jsonScanner) space() {
	for c := s.peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = s.peek() {
		s.at++
	}
}

// text moves over a string.
func (s *jsonScanner) text() bool {
	if !s.take('"') {
		return false
	}
	for s.at < len(s.in) {
		c := s.in[s.at]
		s.at++
		switch c {
		case '"':
			return true
		case '\\':
			s.at++
		}
	}
	s.at = len(s.in)
	return false
}

// value moves over a value; of a container that is until as many brackets are
// closed as were opened.
func (s *jsonScanner) value() bool {
	open := 0
	for s.at < len(s.in) {
		switch c := s.in[s.at]; c {
		case '"':
			if !s.text() {
				return false
			}
		case '{', '[':
			s.at++
			open++
		case '}', ']':
			if open--; open < 0 {
				return true
			}
			s.at++
		case ',':
			if open == 0 {
				return true
			}
			s.at++
		default:
			s.at++
		}
		if open == 0 && strings.IndexByte(",}] \t\n\r", s.peek()) >= 0 {
			return true
		}
	}
	return open == 0
}

// headKeys are the entries that say what a command is and who wants an answer.
var headKeys = []string{"type", "reply_channel", "id"}

// head is what can be read of a message that cannot be decoded as a whole: those
// of the headKeys whose values are text.
func (c *codec) head(body string) (head messages.Map) {
	plain, err := c.plain(body)
	if err != nil {
		return nil
	}
	b := mapBuilder{}
	plain.entries(func(key string, value raw) {
		if !slices.Contains(headKeys, key) {
			return
		}
		if text, ok := value.text(); ok {
			b.set(key, text)
		}
	})
	return b.m
}
