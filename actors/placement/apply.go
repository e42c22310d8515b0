package placement

import (
	"slices"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Apply takes a page in that was read at that time, which is a time as in Markers. Pages are
// to come in the order of their positions.
func (v *View) Apply(p messages.Page, now int64) (c Changed) {
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
		if !f.subscribers.Has(s.Target) {
			v.pairs++
		}
		since := s.Since
		if since == 0 {
			since = s.Number
		}
		f.subscribers.Set(s.Target, subscriber{s.Options, s.Static, s.Unasked, s.Ending, since, s.Number, round})
		v.setEnding(Item{f.wire, s.Target}, s.Ending, s.Number)
	}
	for _, s := range p.Removed {
		// What it was subscribed to as is not known.
		for _, wire := range []string{s.Filter, topic.Shared(s.Filter)} {
			if f, ok := v.filters.Get(wire); ok && f.subscribers.Has(s.Target) {
				f.subscribers.Remove(s.Target)
				v.setEnding(Item{wire, s.Target}, false, 0)
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
	for _, n := range p.Recipients {
		f := v.touch(Item{n.Filter, n.Target}, c)
		f.number = max(f.number, n.Number)
		f.dropRecipient(n)
		f.recipients = append(f.recipients, recipient{n, round})
	}
	for _, n := range p.RetainedComplete {
		v.change(n.Filter, c, func(f *Filter) { f.dropRecipient(n) })
	}
}

func (v *View) applyStatus(p messages.Page, t *table, now int64, c *Changed) {
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
	if f.subscribers.Len() == 0 && f.leaving == 0 && len(f.recipients) == 0 && len(f.status) == 0 {
		v.filters.Delete(f.wire)
	}
}

// setEnding notes whether a pair of filter and target is ending.
func (v *View) setEnding(i Item, ending bool, number uint64) {
	switch {
	case !ending:
		delete(v.endings, i)
	case v.endings == nil:
		v.endings = map[Item]uint64{i: number}
	default:
		v.endings[i] = number
	}
}

func (f *Filter) dropRecipient(n messages.Recipient) {
	f.recipients = slices.DeleteFunc(f.recipients, func(o recipient) bool { return o.Target == n.Target && o.Channel == n.Channel })
}

func (f *Filter) forget(which func(status) bool) { f.status = slices.DeleteFunc(f.status, which) }

// sweep forgets what was not found again in a table that was read from its beginning.
func (v *View) sweep(number int, round uint32) {
	var all []*Filter
	v.filters.Each(func(f *Filter) { all = append(all, f) })
	for _, f := range all {
		if number == messages.RegistryTable {
			v.pairs -= v.sweepSubscribers(f, round)
		} else {
			f.forget(func(s status) bool { return s.slot == number && s.round != round })
		}
		v.tidy(f)
	}
}

// sweepSubscribers forgets what the registry has no more, and says of how many targets.
func (v *View) sweepSubscribers(f *Filter, round uint32) int {
	var gone []messages.Target
	for target, s := range f.subscribers.Each {
		if s.round != round {
			gone = append(gone, target)
		}
	}
	for _, target := range gone {
		f.subscribers.Remove(target)
		v.setEnding(Item{f.wire, target}, false, 0)
	}
	if f.round != round {
		f.leaving = 0
	}
	f.recipients = slices.DeleteFunc(f.recipients, func(n recipient) bool { return n.round != round })
	return len(gone)
}
