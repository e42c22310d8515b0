package topic

import "strings"

// Trie holds a pointer for each of many filters and finds those whose filter
// matches a topic. What a look-up costs depends on the levels of the topic and
// on the filters that match it level by level, not on how many others there
// are. The zero value is an empty trie. It may not be used by several
// goroutines at once.
type Trie[V any] struct {
	root node[V]
	size int
}

// node stands for the levels of a filter up to some slash.
type node[V any] struct {
	here     *V           // value of the filter that ends here
	below    *V           // value of the filter that goes on with "#"
	plus     *node[V]     // continues with "+"
	children *children[V] // nil: there are none, as in most nodes
}

func (n *node[V]) empty() bool {
	return n.here == nil && n.below == nil && n.plus == nil && n.children.len() == 0
}

// Len is the number of filters.
func (t *Trie[V]) Len() int { return t.size }

// Set stores the value of a filter in place of the one it had. Each filter has a value of
// its own, which is not nil. The trie keeps the text of the filter.
func (t *Trie[V]) Set(filter string, value *V) {
	n, rest, more := &t.root, filter, true
	for more && rest != "#" {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		n = n.grow(level, more)
	}
	slot := n.slot(more)
	if *slot == nil {
		t.size++
	}
	*slot = value
}

// grow returns the node of the next level and makes it if need be; more: the filter goes on.
func (n *node[V]) grow(level string, more bool) *node[V] {
	if next := n.next(level); next != nil {
		return next
	}
	next := &node[V]{}
	if level == "+" {
		n.plus = next
	} else {
		if n.children == nil {
			n.children = &children[V]{}
		}
		if more { // a copy: the level of others would keep this filter in memory
			level = strings.Clone(level)
		}
		n.children.put(level, next)
	}
	return next
}

func (n *node[V]) next(level string) *node[V] {
	if level == "+" {
		return n.plus
	}
	return n.children.get(level)
}

// slot is where the value of a filter stands whose levels lead to n; more: it
// goes on with "#".
func (n *node[V]) slot(more bool) **V {
	if more {
		return &n.below
	}
	return &n.here
}

// Get returns the value of exactly this filter, and whether it has one.
func (t *Trie[V]) Get(filter string) (*V, bool) {
	value := t.find(filter)
	return value, value != nil
}

func (t *Trie[V]) find(filter string) *V {
	n, rest, more := &t.root, filter, true
	for more && rest != "#" && n != nil {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		n = n.next(level)
	}
	if n == nil {
		return nil
	}
	return *n.slot(more)
}

// Delete forgets a filter and says whether it was there.
func (t *Trie[V]) Delete(filter string) bool {
	if t.find(filter) == nil {
		return false
	}
	t.root.remove(filter, true)
	t.size--
	return true
}

// remove takes away a filter that is there, and on the way back the nodes that
// have become empty.
func (n *node[V]) remove(rest string, more bool) {
	if !more || rest == "#" {
		*n.slot(more) = nil
		return
	}
	level, rest, more := strings.Cut(rest, "/")
	next := n.next(level)
	next.remove(rest, more)
	switch {
	case !next.empty():
	case level == "+":
		n.plus = nil
	default:
		if n.children.remove(level); n.children.len() == 0 {
			n.children = nil
		}
	}
}

// Match appends to found the values of all filters that match the topic, each
// once, in no particular order. It allocates only where found is full.
func (t *Trie[V]) Match(topic string, found []*V) []*V {
	if !strings.HasPrefix(topic, "$") {
		return t.root.match(topic, true, found)
	}
	// Only filters that spell the first level out [MQTT-4.7.2-1].
	level, rest, more := strings.Cut(topic, "/")
	if next := t.root.children.get(level); next != nil {
		found = next.match(rest, more, found)
	}
	return found
}

// Each calls f with every value, in no particular order.
func (t *Trie[V]) Each(f func(*V)) { t.root.each(f) }

func (n *node[V]) each(f func(*V)) {
	for _, value := range []*V{n.below, n.here} {
		if value != nil {
			f(value)
		}
	}
	if n.plus != nil {
		n.plus.each(f)
	}
	n.children.each(func(_ string, next *node[V]) { next.each(f) })
}

func (n *node[V]) match(rest string, more bool, found []*V) []*V {
	if n.below != nil {
		found = append(found, n.below)
	}
	if !more {
		if n.here != nil {
			found = append(found, n.here)
		}
		return found
	}
	level, rest, more := strings.Cut(rest, "/")
	if next := n.children.get(level); next != nil {
		found = next.match(rest, more, found)
	}
	if n.plus != nil {
		found = n.plus.match(rest, more, found)
	}
	return found
}
