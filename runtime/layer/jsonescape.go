package layer

import (
	"unicode/utf16"
	"unicode/utf8"
)

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
