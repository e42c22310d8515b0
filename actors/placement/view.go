package placement

import (
	"cmp"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// View is what is known of the tables. It does nothing by itself, and is not safe for use
// by several goroutines at once. The zero value knows nothing.
type View struct {
	epochs  []messages.Epoch
	pairs   int                // of filter and target
	endings map[Item]uint64    // those pairs that are ending, and the change by which they are
	filters topic.Trie[Filter] // by what the broker is asked for: see topic.Shared
	tables  []table            // that of the registry first: see index
}

// table is how far one of the tables has been read, and, of a slot, what it says of itself.
type table struct {
	at        messages.Position
	round     uint32 // of reading it from the beginning
	resetting bool
	status    messages.SlotStatus
}

// Filter is what is known of one.
type Filter struct {
	wire        string
	subscribers Targets[subscriber]
	number      uint64 // of the last change by which somebody asks for it
	leaving     uint64 // the number of the change by which nobody wants it; 0: it is wanted, or was not
	round       uint32 // of leaving
	recipients  []recipient
	status      []status // by slot, of those that say something
}

type subscriber struct {
	messages.Options
	static, unasked, ending bool
	since                   uint64 // the change by which it became one
	number                  uint64 // the last change by which it asks for the filter
	round                   uint32
}

type recipient struct {
	messages.Recipient
	round uint32
}

// Changed says what a page has changed.
type Changed struct {
	// Items are those of which something is another.
	Items []Item
	// Layout: the layouts are others, or the table was read anew: all filters may be
	// concerned.
	Layout bool
	// Slots: a slot says something else of itself: those filters are concerned that are
	// held back, or to be left.
	Slots bool
}

// Add adds what another page has changed.
func (c *Changed) Add(o Changed) {
	c.Items = append(c.Items, o.Items...)
	c.Layout, c.Slots = c.Layout || o.Layout, c.Slots || o.Slots
}

// Item is one target of a filter, or the whole filter where there is no target.
type Item struct {
	Wire   string // the filter as the broker knows it
	Target messages.Target
}

// Whole says whether it is not about one target.
func (i Item) Whole() bool { return i.Target.Name == "" }

func (i Item) compare(o Item) int {
	return cmp.Or(cmp.Compare(i.Wire, o.Wire), cmp.Compare(i.Target.Kind, o.Target.Kind), cmp.Compare(i.Target.Name, o.Target.Name))
}

// index is the place of a table.
func index(number int) int { return number + 1 }

// Known are the positions up to which the tables have been read, of so many slots.
func (v *View) Known(slots int) []messages.Position {
	known := make([]messages.Position, index(slots))
	for i := range v.tables {
		if i < len(known) {
			known[i] = v.tables[i].at
		}
	}
	return known
}

// Loaded says whether the registry is known as a whole. One that was taken over from an older
// version has no layout at first, so that nobody knows yet what is whose.
func (v *View) Loaded() bool {
	return len(v.tables) > 0 && v.tables[0].at.Number > 0 && !v.tables[0].resetting && len(v.epochs) > 0
}

// Number is that of the last change of the registry that is known.
func (v *View) Number() uint64 {
	if len(v.tables) == 0 {
		return 0
	}
	return v.tables[0].at.Number
}

// Pairs is how many pairs of filter and target there are.
func (v *View) Pairs() int { return v.pairs }

// at is what a slot says of the filter; nil: nothing.
func (f *Filter) at(slot int) *status {
	for i := range f.status {
		if f.status[i].slot == slot {
			return &f.status[i]
		}
	}
	return nil
}

// Wire is a filter as the broker is to have it.
func Wire(filter string, o messages.Options) string {
	if o.Shared {
		return topic.Shared(filter)
	}
	return filter
}
