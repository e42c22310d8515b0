package placement

import (
	"maps"
	"slices"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Commands makes changes of the registry of what commands ask for. Only the holder of the
// first slot has it. It knows what is being written before the View does.
type Commands struct {
	view      *View
	changeSeq uint64                                // of the last change that was made
	intents   map[string]map[messages.Target]intent // by filter as the broker knows it
	writing   []written                             // oldest first
	pairs     int                                   // that are added
	due       []Item                                // filters of which the View has all again
	began     uint64                                // the number of the View then
	// Epochs are the layouts that are being written; nil: none are.
	Epochs []messages.Epoch
}

// intent is what becomes of a pair of filter and target when all is written.
type intent struct {
	stored    messages.Stored
	gone      bool
	changeSeq uint64
}

// written is what is being written of a pair, or is written and not known to the View.
type written struct {
	Item
	changeSeq uint64
	number    uint64 // of the registry then; 0: it is being written
	adds      int    // pairs of filter and target
}

// NewCommands makes one that knows what the View does.
func NewCommands(v *View) *Commands {
	return &Commands{view: v, intents: map[string]map[messages.Target]intent{}, began: v.Number()}
}

// Pairs is how many pairs of filter and target are added that the View has not yet.
func (c *Commands) Pairs() int { return c.pairs }

// ChangeSeq is the number of the last change that was made. Written takes it.
func (c *Commands) ChangeSeq() uint64 { return c.changeSeq }

// Written notes that the changes up to that ChangeSeq are in the registry of that number.
func (c *Commands) Written(changeSeq, number uint64) {
	for i := range c.writing {
		if w := &c.writing[i]; w.changeSeq > changeSeq {
			break
		} else if w.number == 0 {
			w.number = number
		}
	}
	c.Seen()
}

// Seen forgets what the View knows now.
func (c *Commands) Seen() {
	for len(c.writing) > 0 {
		w := c.writing[0]
		if w.number == 0 || w.number > c.view.Number() {
			return
		}
		c.writing = c.writing[1:]
		c.pairs -= w.adds
		if targets := c.intents[w.Wire]; targets[w.Target].changeSeq == w.changeSeq {
			delete(targets, w.Target)
			if len(targets) == 0 {
				delete(c.intents, w.Wire)
				c.due = append(c.due, Item{Wire: w.Wire})
			}
		}
	}
}

// Writing says whether a change of a pair is being written, or is not known to the View yet.
func (c *Commands) Writing(i Item) bool {
	_, ok := c.intents[i.Wire][i.Target]
	return ok
}

// Wanted is what a target of a filter will have when all is written, if it is wanted.
func (c *Commands) Wanted(i Item) (s messages.Stored, ok bool) {
	s, ok = c.stored(i)
	return s, ok && !s.Ending
}

// stored is what the registry will hold of a pair, if it does.
func (c *Commands) stored(i Item) (s messages.Stored, ok bool) {
	if n, known := c.intents[i.Wire][i.Target]; known {
		return n.stored, !n.gone
	}
	return c.view.Stored(i)
}

// Subscribed says whether anybody will be in a filter.
func (c *Commands) Subscribed(wire string) bool {
	n := 0
	f, known := c.view.filters.Get(wire)
	if known {
		n = f.subscribers.Len()
	}
	for target, i := range c.intents[wire] {
		switch is := known && f.subscribers.Has(target); {
		case is && i.gone:
			n--
		case !is && !i.gone:
			n++
		}
	}
	return n > 0
}

// Put are the changes by which a target is wanted. One that changes no_local gives the target
// to another slot: what is published before that one has the filter may be missed.
func (c *Commands) Put(s messages.Stored) []messages.Change {
	i := Item{Wire(s.Filter, s.Options), s.Target}
	old, known := c.stored(i)
	s.Ending, s.Since = false, 0
	if known && old.Options.NoLocal == s.Options.NoLocal {
		s.Since = old.Since
	}
	c.intend(i, intent{stored: s})
	if !known {
		c.writing[len(c.writing)-1].adds = 1
		c.pairs++
	}
	return []messages.Change{{Put: &s}, {Gone: i.Wire}}
}

// Remove are the changes by which targets are wanted no more, those of them that are. Where
// another slot may leave messages to one of them, it ends first: see Tidy.
func (c *Commands) Remove(wire string, targets []messages.Target) (changes []messages.Change) {
	for _, target := range targets {
		i := Item{wire, target}
		s, ok := c.Wanted(i)
		switch {
		case !ok:
		case c.relied(i, s.Options):
			s.Ending = true
			c.intend(i, intent{stored: s})
			changes = append(changes, messages.Change{Put: &s})
		default:
			changes = append(changes, c.take(i, s))
		}
	}
	return c.left(wire, changes)
}

// take takes a pair out.
func (c *Commands) take(i Item, s messages.Stored) messages.Change {
	c.intend(i, intent{stored: s, gone: true})
	return messages.Change{Remove: &s}
}

// left adds that a filter is leaving, where those changes took the last out.
func (c *Commands) left(wire string, changes []messages.Change) []messages.Change {
	if len(changes) > 0 && !c.Subscribed(wire) {
		changes = append(changes, messages.Change{Leaving: wire})
	}
	return changes
}

func (c *Commands) intend(i Item, n intent) {
	c.changeSeq++
	n.changeSeq = c.changeSeq
	if c.intents[i.Wire] == nil {
		c.intents[i.Wire] = map[messages.Target]intent{}
	}
	c.intents[i.Wire][i.Target] = n
	c.writing = append(c.writing, written{Item: i, changeSeq: n.changeSeq})
}

// relied says whether another slot may leave messages for a target to the one of a filter:
// it serves the target by another filter that overlaps.
func (c *Commands) relied(i Item, o messages.Options) bool {
	v := c.view
	if o.NoLocal || o.Shared || v.Slots() < 2 {
		return false
	}
	remote := func(wire string) bool {
		return wire != i.Wire && !topic.IsShared(wire) &&
			(c.Epochs != nil || len(v.epochs) > 1 || topic.Slot(wire, v.Epoch().Sessions) != topic.Slot(i.Wire, v.Epoch().Sessions))
	}
	for _, f := range v.filters.Overlapping(i.Wire, nil) {
		if s, ok := f.subscribers.Get(i.Target); ok && !s.ending && remote(f.wire) {
			return true
		}
	}
	for wire, targets := range c.intents {
		if n, ok := targets[i.Target]; ok && !n.gone && remote(wire) && topic.Overlap(i.Wire, wire) {
			return true
		}
	}
	return false
}

// Tidy are the changes by which the registry forgets what is over: pairs that have ended, a
// filter that no slot has any more, and recipients whose slot has answered.
func (c *Commands) Tidy(changed Changed) (changes []messages.Change) {
	v := c.view
	var wires []string
	for _, i := range slices.SortedFunc(maps.Keys(v.endings), Item.compare) {
		number := v.endings[i]
		if _, pending := c.intents[i.Wire][i.Target]; !pending && c.Epochs == nil && v.ended(number) {
			s, _ := v.Stored(i)
			changes = append(changes, c.take(i, s))
			wires = append(wires, i.Wire)
		}
	}
	for _, wire := range wires {
		changes = c.left(wire, changes)
	}
	items := append(c.due, changed.Items...)
	c.due = nil
	return append(changes, v.over(slices.DeleteFunc(items, func(i Item) bool { return c.intents[i.Wire] != nil }))...)
}
