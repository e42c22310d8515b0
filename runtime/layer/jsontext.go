package layer

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

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

// unicode reads the four digits of \uXXXX, and a second escape where two make
// one character. A surrogate left alone is a str in Python that cannot be
// packed.
func (p *jsonParser) unicode() bool {
	r, ok := p.hex(p.at)
	if !ok {
		return false
	}
	p.at += 4
	if utf16.IsSurrogate(r) {
		r = p.pair(r)
	}
	p.out = utf8.AppendRune(p.out, r)
	return true
}

// pair completes a surrogate with the one that follows.
func (p *jsonParser) pair(high rune) rune {
	if p.at+1 < len(p.in) && p.in[p.at] == '\\' && p.in[p.at+1] == 'u' {
		if low, ok := p.hex(p.at + 2); ok {
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				p.at += 6
				return r
			}
		}
	}
	p.uncarried = true
	return utf8.RuneError
}

func (p *jsonParser) hex(at int) (rune, bool) {
	if at+4 > len(p.in) {
		return 0, false
	}
	var r rune
	for _, c := range p.in[at : at+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
