package layer

import "bytes"

// maxPayloadDepth is how deep containers may nest in a JSON payload. Python's
// packb stops at 510 below the top map, and an event puts the payload two deep.
const maxPayloadDepth = 500

// outcome is what became of a JSON text.
type outcome byte

const (
	carried   outcome = iota // it is in dst as msgpack
	notJSON                  // json.loads would raise
	uncarried                // it is JSON, but msgpack cannot hold it
)

// appendJSON appends the msgpack form of what Python's json.loads makes of src,
// which must be valid UTF-8. So NaN, Infinity and -Infinity are numbers, 1e999
// is infinite, -0 is the integer 0, and a byte order mark is an error. Of a key
// that comes twice both are written; readers let the last win, as json.loads
// does. An integer beyond 64 bits becomes a str of its digits; numbers is how many
// these are. Lone surrogates are uncarried. So is deep nesting, which is not even
// looked through. dst is only grown where the outcome is carried.
func appendJSON(dst, src []byte) (out []byte, numbers int, v outcome) {
	p := jsonParser{in: src, out: dst, bigAsText: true}
	if v := p.document(); v != carried {
		return dst, 0, v
	}
	return p.out, p.bigNumbers, carried
}

// document reads all of the text.
func (p *jsonParser) document() outcome {
	p.space()
	ok := p.value(0)
	p.space()
	switch {
	case p.tooDeep, p.tooMany != nil:
		return uncarried
	case !ok || p.at < len(p.in):
		return notJSON
	case p.uncarried:
		return uncarried
	default:
		return carried
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
	counted   elementCount
	tooMany   error // more elements than may be

	bigAsText  bool // an integer beyond 64 bits becomes a str, else it is uncarried
	bigNumbers int  // how many did
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

// count counts one more element, and says whether that is not too many.
func (p *jsonParser) count() bool {
	p.tooMany = p.counted.more()
	return p.tooMany == nil
}

func (p *jsonParser) value(depth int) bool {
	if !p.count() {
		return false
	}
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
	if p.peek() != '"' || !p.count() || !p.text() {
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
