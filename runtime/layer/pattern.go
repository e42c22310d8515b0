package layer

import (
	"regexp"
	"unicode/utf8"
)

// Pattern is one entry of channels_redis's channel_capacity: the capacity of
// the channels whose full name, with what follows the "!", matches Glob.
//
// Glob is read as Python's fnmatchcase does: * is any run, also an empty one; ?
// any one character; [abc], [a-z] and [!abc] one of some, or of all others; a [
// without its ] is itself. Nothing escapes anything.
//
// Regexp, where it is there, counts instead: channels_redis takes compiled expressions
// too. It must be anchored at the beginning, as Python's match is.
type Pattern struct {
	Glob     string
	Regexp   *regexp.Regexp
	Capacity int
}

// Match says whether the pattern matches a channel's name: a Glob the whole of it.
func (p Pattern) Match(name string) bool {
	if p.Regexp != nil {
		return p.Regexp.MatchString(name)
	}
	glob, rest := p.Glob, name
	afterStar, retry := "", "" // where to go on after one more character in the last *
	star := false
	for rest != "" || glob != "" {
		if glob != "" && glob[0] == '*' {
			star, afterStar, retry = true, glob[1:], rest
			glob = afterStar
			continue
		}
		if next, size, ok := matchOne(glob, rest); ok {
			glob, rest = next, rest[size:]
			continue
		}
		if !star || retry == "" {
			return false
		}
		_, size := utf8.DecodeRuneInString(retry)
		retry = retry[size:]
		glob, rest = afterStar, retry
	}
	return true
}

// matchOne matches the first element of glob, which is no *, with the first
// character of name. It returns what follows the element.
func matchOne(glob, name string) (next string, size int, ok bool) {
	if glob == "" || name == "" {
		return glob, 0, false
	}
	r, size := utf8.DecodeRuneInString(name)
	switch glob[0] {
	case '?':
		return glob[1:], size, true
	case '[':
		if set, after, closed := cutSet(glob[1:]); closed {
			return after, size, matchSet(set, r)
		}
	}
	want, width := utf8.DecodeRuneInString(glob)
	return glob[width:], size, want == r && name[:size] == glob[:width]
}

// cutSet finds the ] that ends a set: not one that stands first, or first after
// the !.
func cutSet(glob string) (set, after string, closed bool) {
	i := 0
	if i < len(glob) && glob[i] == '!' {
		i++
	}
	for i++; i < len(glob); i++ {
		if glob[i] == ']' {
			return glob[:i], glob[i+1:], true
		}
	}
	return "", "", false
}

// matchSet says whether r is in what stands between [ and ].
func matchSet(set string, r rune) bool {
	list := []rune(set)
	for list[0] != '!' && emptyRange(list) { // Python drops them, and then looks for the !
		if list = list[3:]; len(list) == 0 {
			return false
		}
	}
	not := list[0] == '!'
	if not {
		list = list[1:]
	}
	in := false
	for i := 0; i < len(list); i++ {
		low, high := list[i], list[i]
		if i+2 < len(list) && list[i+1] == '-' {
			high = list[i+2]
			i += 2
		}
		in = in || low <= r && r <= high
	}
	return in != not
}

func emptyRange(list []rune) bool {
	return len(list) > 2 && list[1] == '-' && list[0] > list[2]
}

// capacityOf is the capacity of a channel's queue when it is written to for
// that channel: that of the first pattern that matches its full name.
func (c Config) capacityOf(name string) int {
	for _, p := range c.Capacities {
		if p.Match(name) {
			return p.Capacity
		}
	}
	return c.Capacity
}
