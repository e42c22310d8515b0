package layer

import "strconv"

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
	if minus {
		if v, err := strconv.ParseInt(digits, 10, 64); err == nil {
			p.out = appendInt(p.out, v)
			return
		}
	} else if v, err := strconv.ParseUint(digits, 10, 64); err == nil {
		p.out = appendUint(p.out, v)
		return
	}
	if !p.bigAsText {
		p.uncarried = true
		return
	}
	p.bigNumbers++
	p.out = appendStr(p.out, digits)
}
