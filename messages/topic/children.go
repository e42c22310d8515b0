package topic

// few is how many children a node searches one by one; a node with more has a
// map. Most nodes have one child, for which a map would be ten times the size.
const few = 8

type child[V any] struct {
	level string
	node  *node[V]
}

// children are the nodes of the next level by its text; nil: none.
type children[V any] struct {
	list  []child[V] // at most few; nil while there is a map
	index map[string]*node[V]
}

func (c *children[V]) len() int {
	if c == nil {
		return 0
	}
	return len(c.list) + len(c.index)
}

func (c *children[V]) get(level string) *node[V] {
	if c == nil {
		return nil
	}
	if c.index != nil {
		return c.index[level]
	}
	for i := range c.list {
		if c.list[i].level == level {
			return c.list[i].node
		}
	}
	return nil
}

// put adds a child that is not there yet.
func (c *children[V]) put(level string, n *node[V]) {
	if c.index == nil && len(c.list) < few {
		c.list = append(c.list, child[V]{level, n})
		return
	}
	if c.index == nil {
		c.spread()
	}
	c.index[level] = n
}

// spread moves the children from the list into a map.
func (c *children[V]) spread() {
	c.index = make(map[string]*node[V], 2*few)
	for _, kid := range c.list {
		c.index[kid.level] = kid.node
	}
	c.list = nil
}

// remove takes a child away that is there.
func (c *children[V]) remove(level string) {
	if c.index != nil {
		delete(c.index, level)
		// Not at few: one filter that comes and goes would move all each time.
		if len(c.index) <= few/2 {
			c.gather()
		}
		return
	}
	last := len(c.list) - 1
	for i := range c.list {
		if c.list[i].level == level {
			c.list[i], c.list[last] = c.list[last], child[V]{}
			c.list = c.list[:last]
			return
		}
	}
}

// gather moves the children from a map, which never shrinks, into a list.
func (c *children[V]) gather() {
	for level, n := range c.index {
		c.list = append(c.list, child[V]{level, n})
	}
	c.index = nil
}

// each calls f for every child.
func (c *children[V]) each(f func(level string, n *node[V])) {
	if c == nil {
		return
	}
	for _, kid := range c.list {
		f(kid.level, kid.node)
	}
	for level, n := range c.index {
		f(level, n)
	}
}
