package topic

import "strings"

// Overlapping appends to found the values of the other filters in the trie
// that match some topic which filter matches too, as Overlap tells, in no
// particular order. The filter itself, whether in the trie or not, is left
// out. It walks only where the filters agree so far.
func (t *Trie[V]) Overlapping(filter string, found []*V) []*V {
	s := search[V]{own: t.find(filter), found: found}
	s.first(&t.root, explicit(filter))
	return s.found
}

// search collects values.
type search[V any] struct {
	own   *V // of the filter that is asked for
	found []*V
}

func (s *search[V]) add(value *V) {
	if value != nil && value != s.own {
		s.found = append(s.found, value)
	}
}

// first goes through the first level, where wildcards do not stand for
// everything: neither for what begins with "$" [MQTT-4.7.2-1] nor, alone, for
// the empty string.
func (s *search[V]) first(root *node[V], filter string) {
	level, rest, more := strings.Cut(filter, "/")
	if !strings.HasPrefix(level, "$") {
		s.add(root.below)
		s.walk(root.plus, rest, more)
	}
	if level != "+" {
		s.walk(root.children.get(level), rest, more)
		return
	}
	root.children.each(func(level string, next *node[V]) {
		if !strings.HasPrefix(level, "$") && (level != "" || more) {
			s.walk(next, rest, more)
		}
	})
}

// walk goes on from n with the levels of the filter that are left.
func (s *search[V]) walk(n *node[V], rest string, more bool) {
	if n == nil {
		return
	}
	if more && rest == "#" {
		s.all(n)
		return
	}
	s.add(n.below)
	if !more {
		s.add(n.here)
		return
	}
	level, rest, more := strings.Cut(rest, "/")
	s.walk(n.plus, rest, more)
	if level != "+" {
		s.walk(n.children.get(level), rest, more)
		return
	}
	n.children.each(func(_ string, next *node[V]) { s.walk(next, rest, more) })
}

// all adds everything from n on.
func (s *search[V]) all(n *node[V]) {
	if n == nil {
		return
	}
	s.add(n.below)
	s.add(n.here)
	s.all(n.plus)
	n.children.each(func(_ string, next *node[V]) { s.all(next) })
}
