package placement

import (
	"cmp"
	"slices"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// View is what is known of the tables. It does nothing by itself, and is not safe for use
// by several goroutines at once. The zero value knows nothing.
type View struct {
	epochs  []messages.Epoch
	pairs   int                 // of filter and target
	endings map[Item]uint64     // those pairs that are ending, and the change by which they are
	filters topic.Trie[*Filter] // by what the broker is asked for: see topic.Shared
	tables  []table             // that of the registry first: see index
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
	wire      string
	members   Targets[member]
	number    uint64 // of the last change by which somebody asks for it
	leaving   uint64 // the number of the change by which nobody wants it; 0: it is wanted, or was not
	round     uint32 // of leaving
	newcomers []newcomer
	status    []status // by slot, of those that say something
}

type member struct {
	messages.Options
	static, unasked, ending bool
	since                   uint64 // the change by which it became one
	round                   uint32
}

type newcomer struct {
	messages.Newcomer
	round uint32
}

// status is what a slot says of a filter.
type status struct {
	messages.FilterStatus
	slot  int
	since time.Time // when it was read
	// before is the number up to which the filter was surely granted there from that time on,
	// before this was read.
	before     uint64
	beforeFrom time.Time
	round      uint32
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

// Apply takes a page in. Pages are to come in the order of their positions.
func (v *View) Apply(p messages.Page, now time.Time) (c Changed) {
	for len(v.tables) <= index(p.Table) {
		v.tables = append(v.tables, table{})
	}
	t := &v.tables[index(p.Table)]
	if p.Reset {
		t.round++
		t.resetting = true
	}
	t.at = p.At
	if p.Table == messages.RegistryTable {
		v.applyRegistry(p, t.round, &c)
	} else {
		v.applyStatus(p, t, now, &c)
	}
	if t.resetting && !p.Partial {
		t.resetting = false
		v.sweep(p.Table, t.round)
		c.Layout = true
	}
	return c
}

func (v *View) applyRegistry(p messages.Page, round uint32, c *Changed) {
	if len(p.Epochs) > 0 && !slices.Equal(p.Epochs, v.epochs) {
		v.epochs = slices.Clone(p.Epochs)
		c.Layout = true
	}
	for _, s := range p.Stored {
		f := v.touch(Item{Wire(s.Filter, s.Options), s.Target}, c)
		f.number = max(f.number, s.Number)
		if !f.members.Has(s.Target) {
			v.pairs++
		}
		since := s.Since
		if since == 0 {
			since = s.Number
		}
		f.members.Set(s.Target, member{s.Options, s.Static, s.Unasked, s.Ending, since, round})
		v.end(Item{f.wire, s.Target}, s.Ending, s.Number)
	}
	for _, s := range p.Removed {
		// What it was subscribed to as is not known.
		for _, wire := range []string{s.Filter, topic.Shared(s.Filter)} {
			if f, ok := v.filters.Get(wire); ok && f.members.Has(s.Target) {
				f.members.Remove(s.Target)
				v.end(Item{wire, s.Target}, false, 0)
				v.pairs--
				v.tidy(f)
				c.Items = append(c.Items, Item{wire, s.Target})
			}
		}
	}
	for _, l := range p.Leaving {
		f := v.touch(Item{Wire: l.Filter}, c)
		f.leaving, f.round = l.Number, round
	}
	for _, wire := range p.Gone {
		v.change(wire, c, func(f *Filter) { f.leaving = 0 })
	}
	for _, n := range p.Newcomers {
		f := v.touch(Item{n.Filter, n.Target}, c)
		f.number = max(f.number, n.Number)
		f.dropNewcomer(n)
		f.newcomers = append(f.newcomers, newcomer{n, round})
	}
	for _, n := range p.Welcomed {
		v.change(n.Filter, c, func(f *Filter) { f.dropNewcomer(n) })
	}
}

// end notes whether a pair of filter and target is ending.
func (v *View) end(i Item, ending bool, number uint64) {
	switch {
	case !ending:
		delete(v.endings, i)
	case v.endings == nil:
		v.endings = map[Item]uint64{i: number}
	default:
		v.endings[i] = number
	}
}

func (f *Filter) dropNewcomer(n messages.Newcomer) {
	f.newcomers = slices.DeleteFunc(f.newcomers, func(o newcomer) bool { return o.Target == n.Target && o.Channel == n.Channel })
}

func (v *View) applyStatus(p messages.Page, t *table, now time.Time, c *Changed) {
	if !p.Partial && p.Status != t.status {
		c.Slots = c.Slots || p.Status.Epoch != t.status.Epoch || p.Status.Left != t.status.Left
		t.status = p.Status
	}
	for _, s := range p.Filters {
		f := v.touch(Item{Wire: s.Filter}, c)
		at := f.at(p.Table)
		if at == nil {
			f.status = append(f.status, status{})
			at = &f.status[len(f.status)-1]
		}
		*at = at.next(s, p.Table, now, t.round)
	}
	for _, wire := range p.Forgotten {
		v.change(wire, c, func(f *Filter) { f.forget(func(s status) bool { return s.slot == p.Table }) })
	}
}

// next is what follows when a slot says something.
func (s *status) next(said messages.FilterStatus, slot int, now time.Time, round uint32) status {
	next := status{FilterStatus: said, slot: slot, since: now, before: s.before, beforeFrom: s.beforeFrom, round: round}
	switch {
	case s.FilterStatus == said:
		next.since = s.since
	case !s.Granted:
		next.before = 0
	case now.After(s.since.Add(SureAfter)):
		next.before, next.beforeFrom = s.Number, s.since.Add(SureAfter)
	}
	return next
}

// surely is the number up to which a slot had the filter for a while at that moment.
func (s *status) surely(at time.Time) uint64 {
	switch {
	case !s.Granted:
		return 0
	case at.After(s.since.Add(SureAfter)):
		return s.Number
	case at.After(s.beforeFrom):
		return s.before
	}
	return 0
}

// at is what a slot says of the filter; nil: nothing.
func (f *Filter) at(slot int) *status {
	for i := range f.status {
		if f.status[i].slot == slot {
			return &f.status[i]
		}
	}
	return nil
}

func (f *Filter) forget(which func(status) bool) { f.status = slices.DeleteFunc(f.status, which) }

// touch is a filter, made if need be, of which something changes.
func (v *View) touch(i Item, c *Changed) *Filter {
	c.Items = append(c.Items, i)
	f, ok := v.filters.Get(i.Wire)
	if !ok {
		f = &Filter{wire: i.Wire}
		v.filters.Set(i.Wire, f)
	}
	return f
}

// change changes a filter, if it is known.
func (v *View) change(wire string, c *Changed, how func(*Filter)) {
	if f, ok := v.filters.Get(wire); ok {
		how(f)
		v.tidy(f)
		c.Items = append(c.Items, Item{Wire: wire})
	}
}

// tidy forgets a filter of which nothing is known.
func (v *View) tidy(f *Filter) {
	if f.members.Len() == 0 && f.leaving == 0 && len(f.newcomers) == 0 && len(f.status) == 0 {
		v.filters.Delete(f.wire)
	}
}

// sweep forgets what was not found again in a table that was read from its beginning.
func (v *View) sweep(number int, round uint32) {
	var all []*Filter
	v.filters.Each(func(f *Filter) { all = append(all, f) })
	for _, f := range all {
		if number == messages.RegistryTable {
			v.pairs -= v.sweepMembers(f, round)
		} else {
			f.forget(func(s status) bool { return s.slot == number && s.round != round })
		}
		v.tidy(f)
	}
}

// sweepMembers forgets what the registry has no more, and says of how many targets.
func (v *View) sweepMembers(f *Filter, round uint32) int {
	var gone []messages.Target
	for target, m := range f.members.Each {
		if m.round != round {
			gone = append(gone, target)
		}
	}
	for _, target := range gone {
		f.members.Remove(target)
		v.end(Item{f.wire, target}, false, 0)
	}
	if f.round != round {
		f.leaving = 0
	}
	f.newcomers = slices.DeleteFunc(f.newcomers, func(n newcomer) bool { return n.round != round })
	return len(gone)
}

// Wire is a filter as the broker is to have it.
func Wire(filter string, o messages.Options) string {
	if o.Shared {
		return topic.Shared(filter)
	}
	return filter
}
