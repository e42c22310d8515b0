package layer

import (
	"bytes"
	"strconv"
	"strings"
)

// maxPayloadDepth is how deep containers may nest in a JSON payload. Python's
// packb stops at 510 below the top map, and an event puts the payload two deep.
const maxPayloadDepth = 500

// verdict is what became of a JSON text.
type verdict byte

const (
	carried   verdict = iota // it is in dst as msgpack
	notJSON                  // json.loads would raise
	uncarried                // it is JSON, but msgpack cannot hold it
)

// appendJSON appends the msgpack form of what Python's json.loads makes of src,
// which must be valid UTF-8. So NaN, Infinity and -Infinity are numbers, 1e999
// is infinite, -0 is the integer 0, and a byte order mark is an error. Of a key
// that comes twice both are written; readers let the last win, as json.loads
// does. Integers beyond 64 bits and lone surrogates are uncarried. So is deep
// nesting, which is not even looked through. dst is only grown where the verdict
// is carried.
func appendJSON(dst, src []byte) ([]byte, verdict) {
	p := jsonParser{in: src, out: dst}
	p.space()
	ok := p.value(0)
	p.space()
	switch {
	case p.tooDeep:
		return dst, uncarried
	case !ok || p.at < len(src):
		return dst, notJSON
	case p.uncarried:
		return dst, uncarried
	default:
		return p.out, carried
	}
}

// jsonParser is a cursor over JSON text that writes msgpack as it goes. Its
// methods say whether the text is JSON so far.
type jsonParser struct {
	in        []byte
	at        int
	out       []byte
	uncarried bool
	tooDeep   bool
}

func (p *jsonParser) space() {
	for p.at < len(p.in) {
		switch p.in[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// peek is the next byte, or 0 at the end (which is no JSON either).
func (p *jsonParser) peek() byte {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return 0
}

// take moves over c, if it is next.
func (p *jsonParser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *jsonParser) word(s string) bool {
	if !bytes.HasPrefix(p.in[p.at:], []byte(s)) {
		return false
	}
	p.at += len(s)
	return true
}

func (p *jsonParser) value(depth int) bool {
	switch p.peek() {
	case '{', '[':
		return p.container(depth)
	case '"':
		return p.text()
	case 't':
		p.out = appendBool(p.out, true)
		return p.word("true")
	case 'f':
		p.out = appendBool(p.out, false)
		return p.word("false")
	case 'n':
		p.out = appendNil(p.out)
		return p.word("null")
	default:
		return p.number()
	}
}

// container reads an object or an array. One byte is kept for its head; a
// longer head moves the content along.
func (p *jsonParser) container(depth int) bool {
	if depth >= maxPayloadDepth {
		p.tooDeep = true
		return false
	}
	object := p.peek() == '{'
	p.at++
	head := len(p.out)
	p.out = append(p.out, 0)
	n, ok := p.elements(object, depth)
	if !ok {
		return false
	}
	p.head(head, n, object)
	return true
}

func (p *jsonParser) elements(object bool, depth int) (n int, ok bool) {
	end := byte(']')
	if object {
		end = '}'
	}
	p.space()
	if p.take(end) {
		return 0, true
	}
	for {
		if object && !p.key() || !p.value(depth+1) {
			return n, false
		}
		n++
		p.space()
		if p.take(end) {
			return n, true
		}
		if !p.take(',') {
			return n, false
		}
		p.space()
	}
}

// key reads a name and its colon.
func (p *jsonParser) key() bool {
	if p.peek() != '"' || !p.text() {
		return false
	}
	p.space()
	if !p.take(':') {
		return false
	}
	p.space()
	return true
}

// head writes the head of a container with n elements at the place kept for it.
func (p *jsonParser) head(at, n int, object bool) {
	var buf [5]byte
	h := appendArrayHead(buf[:0], n)
	if object {
		h = appendMapHead(buf[:0], n)
	}
	p.widen(at, 1, len(h))
	copy(p.out[at:], h)
}

// widen makes the kept bytes at a place more or fewer.
func (p *jsonParser) widen(at, kept, want int) {
	if want == kept {
		return
	}
	end := len(p.out)
	if want > kept {
		p.out = append(p.out, "12345"[:want-kept]...)
	}
	copy(p.out[at+want:], p.out[at+kept:end])
	p.out = p.out[:end+want-kept]
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)? or one of the
// names that Python writes for what is not finite.
func (p *jsonParser) number() bool {
	start := p.at
	minus := p.take('-')
	if p.special(minus) {
		return true
	}
	if !p.take('0') && !p.digits() {
		return false
	}
	float := false
	if p.peek() == '.' && p.digitAt(p.at+1) {
		p.at++
		float = p.digits()
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		float = p.exponent() || float
	}
	if float {
		// Out of range gives an infinity and an error, as in Python without.
		f, _ := strconv.ParseFloat(string(p.in[start:p.at]), 64)
		p.out = appendFloat(p.out, f)
		return true
	}
	p.integer(string(p.in[start:p.at]), minus)
	return true
}

func (p *jsonParser) special(minus bool) bool {
	switch {
	case p.word("Infinity"):
		text := "+Inf"
		if minus {
			text = "-Inf"
		}
		f, _ := strconv.ParseFloat(text, 64)
		p.out = appendFloat(p.out, f)
	case !minus && p.word("NaN"):
		p.out = append(p.out, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0) // Python's nan, bit for bit
	default:
		return false
	}
	return true
}

func (p *jsonParser) digitAt(i int) bool {
	return i < len(p.in) && p.in[i] >= '0' && p.in[i] <= '9'
}

// digits moves over all digits that are next, at least one.
func (p *jsonParser) digits() bool {
	start := p.at
	for p.digitAt(p.at) {
		p.at++
	}
	return p.at > start
}

// exponent moves over a complete exponent. What is not one is left, and ends
// the number, as in Python.
func (p *jsonParser) exponent() bool {
	i := p.at + 1
	if i < len(p.in) && (p.in[i] == '+' || p.in[i] == '-') {
		i++
	}
	if !p.digitAt(i) {
		return false
	}
	p.at = i
	return p.digits()
}

func (p *jsonParser) integer(digits string, minus bool) {
	if len(digits) > len("-9223372036854775808") {
		p.uncarried = true
		return
	}
	if minus {
		v, err := strconv.ParseInt(digits, 10, 64)
		p.uncarried = p.uncarried || err != nil
		p.out = appendInt(p.out, v)
		return
	}
	v, err := strconv.ParseUint(digits, 10, 64)
	p.uncarried = p.uncarried || err != nil
	p.out = appendUint(p.out, v)
}

// text reads a string. One without escapes is copied as it is.
func (p *jsonParser) text() bool {
	p.at++
	rest := p.in[p.at:]
	for i, c := range rest {
		switch {
		case c == '"':
			p.out = append(appendStrHead(p.out, i), rest[:i]...)
			p.at += i + 1
			return true
		case c == '\\':
			return p.escaped(i)
		case c < ' ':
			return false
		}
	}
	return false
}

// escaped reads the rest of a string whose first escape comes after plain
// bytes. Its length is known at the end only, so room is kept for any head.
func (p *jsonParser) escaped(plain int) bool {
	const kept = 5
	head := len(p.out)
	p.out = append(append(p.out, "12345"...), p.in[p.at:p.at+plain]...)
	p.at += plain
	for p.at < len(p.in) {
		c := p.in[p.at]
		p.at++
		switch {
		case c == '"':
			var buf [kept]byte
			h := appendStrHead(buf[:0], len(p.out)-head-kept)
			p.widen(head, kept, len(h))
			copy(p.out[head:], h)
			return true
		case c < ' ':
			return false
		case c != '\\':
			p.out = append(p.out, c)
		case !p.escape():
			return false
		}
	}
	return false
}

// escape reads what follows a backslash.
func (p *jsonParser) escape() bool {
	c := p.peek()
	p.at++
	if c == 'u' {
		return p.unicode()
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		return false
	}
	p.out = append(p.out, "\"\\/\b\f\n\r\t"[i])
	return true
}
