package actors

import (
	"slices"
	"time"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// leader is what the router of the first of several slots does for all: it has commands
// written into the registry, and answers them from what the slots say.
type leader struct {
	pending  placement.Pending
	storing  map[messages.Receipt]waiter // while their subscribes are written
	waiting  map[string][]waiter         // by the filter as the broker knows it
	removing map[placement.Item]bool     // those that are being taken out
	layout   messages.Layout
	laying   []messages.Epoch // layouts that are being written
}

// waiter is a subscribe whose sender waits for an answer.
type waiter struct {
	receipt messages.Receipt // "": nobody waits
	wire    string
	targets []messages.Target
	options messages.Options
	number  uint64 // of the registry when it was written
	asked   uint64 // of the filter then
	came    time.Time
}

func newLeader(l messages.Layout) leader {
	return leader{storing: map[messages.Receipt]waiter{}, waiting: map[string][]waiter{}, removing: map[placement.Item]bool{}, layout: l}
}

// lead has the registry kept tidy, and answers what can be answered.
func (s *spread) lead(c placement.Changed) {
	l := &s.leader
	var changes []messages.Change
	s.mirror.look(func(v *placement.View) {
		changes = v.Tidy(l.settled(v, c.Items))
		if slices.Equal(l.laying, v.Epochs()) {
			l.laying = nil
		}
		if epochs, changed := v.Layouts(max(1, l.layout.Sessions)); changed && l.laying == nil {
			l.laying = epochs
			changes = append(changes, messages.Change{Epochs: epochs})
		}
		known := messages.Layout{Sessions: l.layout.Sessions}
		if !v.Settled() || v.Slots() != l.layout.Sessions {
			known.Before = v.Slots()
		}
		s.health.layout.Store(&known)
	})
	s.table.keep("", changes)
	if c.Layout {
		for wire := range l.waiting {
			s.answerWaiters(wire)
		}
		return
	}
	for _, i := range c.Items {
		s.answerWaiters(i.Wire)
	}
}

// settled are those of the items, and of others that wait for that, of which the view has
// all that commands have changed. What a view says of others may be over.
func (l *leader) settled(v *placement.View, items []placement.Item) (list []placement.Item) {
	for _, wire := range l.pending.Seen(v.Number()) {
		list = append(list, placement.Item{Wire: wire})
	}
	for _, i := range items {
		if !l.pending.Changes(i.Wire) {
			list = append(list, i)
		}
	}
	return list
}

// register has a subscribe written into the registry.
func (s *spread) register(receipt messages.Receipt, c messages.SubscribeCommand) {
	wire, other := placement.Wire(c.Filter, c.Options), topic.Shared(c.Filter)
	if c.Options.Shared {
		other = c.Filter
	}
	var changes []messages.Change
	var taken bool
	more, all := 0, s.leader.pending.Pairs()
	s.mirror.look(func(v *placement.View) {
		taken, all = v.Subscribed(other), all+v.Pairs()
		for _, target := range c.Targets {
			st, known := v.Wanted(placement.Item{Wire: wire, Target: target})
			if !known {
				more++
			}
			changes = append(changes, messages.Change{Put: &messages.Stored{Filter: c.Filter, Target: target, Options: c.Options, Static: st.Static}})
		}
		if v.Leaving(wire) {
			changes = append(changes, messages.Change{Gone: wire})
		}
	})
	switch {
	case taken:
		s.table.refuse(receipt, sharedOrNot(c.Filter))
		return
	case s.pairs.full(more, all):
		s.table.refuse(receipt, &messages.Failure{Code: messages.CodeRefused, Reason: s.pairs.reason(all)})
		return
	}
	w := waiter{wire: wire, targets: c.Targets, options: c.Options}
	if c.Reply.Channel != "" {
		w.receipt = receipt
	}
	l := &s.leader
	for _, target := range c.Targets {
		delete(l.removing, placement.Item{Wire: wire, Target: target})
	}
	l.storing[receipt] = w
	l.pending.Begin(receipt, wire, c.Targets, more)
	s.table.keep(receipt, append(changes, newcomerChanges(wire, c)...))
}

// newcomerChanges enter the newcomers of a subscribe into the registry.
func newcomerChanges(wire string, c messages.SubscribeCommand) (changes []messages.Change) {
	for _, n := range newcomersOf(c) {
		n.Filter = wire
		changes = append(changes, messages.Change{Newcomer: &n})
	}
	return changes
}

// unregister has targets taken out of the registry.
func (s *spread) unregister(receipt messages.Receipt, filter string, targets []messages.Target) {
	l := &s.leader
	wire := filter
	var changes []messages.Change
	var removed []placement.Item
	s.mirror.look(func(v *placement.View) {
		if !v.Subscribed(wire) && v.Subscribed(topic.Shared(filter)) {
			wire = topic.Shared(filter)
		}
		for _, target := range targets {
			i := placement.Item{Wire: wire, Target: target}
			if _, ok := v.Wanted(i); ok && !l.removing[i] || l.pending.Adds(i) {
				removed = append(removed, i)
				changes = append(changes, messages.Change{Remove: &messages.Stored{Filter: filter, Target: target, Options: messages.Options{Shared: wire != filter}}})
			}
		}
		if len(removed) > 0 && l.last(v, wire, removed) {
			changes = append(changes, messages.Change{Leaving: wire})
		}
	})
	for _, i := range removed {
		l.removing[i] = true
		s.endWaiters(i)
	}
	if len(removed) > 0 {
		l.pending.Begin(receipt, wire, nil, 0)
	}
	s.table.keep(receipt, changes)
}

// last says whether nobody wants a filter when those are gone.
func (l *leader) last(v *placement.View, wire string, removed []placement.Item) bool {
	var gone []messages.Target
	for _, i := range removed {
		gone = append(gone, i.Target)
	}
	for i := range l.removing {
		if _, wanted := v.Wanted(i); !wanted && !l.pending.Changes(i.Wire) {
			delete(l.removing, i)
		} else if i.Wire == wire {
			gone = append(gone, i.Target)
		}
	}
	return v.Only(wire, gone) || !v.Subscribed(wire)
}

// kept notes that the changes of commands are written.
func (s *spread) kept(m messages.Kept) {
	l := &s.leader
	for _, receipt := range m.Receipts {
		l.pending.Written(receipt, m.Number)
		w, ok := l.storing[receipt]
		delete(l.storing, receipt)
		if ok && w.receipt != "" {
			w.number, w.came = m.Number, time.Now()
			l.waiting[w.wire] = append(slices.DeleteFunc(l.waiting[w.wire], waiter.over), w)
			s.answerWaiters(w.wire)
		}
	}
}

// over says whether the reader has told the sender that the broker does not answer.
func (w waiter) over() bool { return time.Since(w.came) > answerWait }

// answerWaiters answers those who wait for what the broker says of a filter.
func (s *spread) answerWaiters(wire string) {
	l := &s.leader
	list := l.waiting[wire]
	if len(list) == 0 {
		return
	}
	s.mirror.look(func(v *placement.View) {
		for i := range list {
			if list[i].asked == 0 && v.Number() >= list[i].number {
				list[i].asked = v.Asked(wire)
			}
		}
	})
	rest := list[:0]
	for _, w := range list {
		if a, ok := s.answerTo(w); ok {
			s.reader.Tell(a)
		} else {
			rest = append(rest, w)
		}
	}
	if l.waiting[wire] = rest; len(rest) == 0 {
		delete(l.waiting, wire)
	}
}

// answerTo is the answer to a subscribe, if there is one.
func (s *spread) answerTo(w waiter) (a messages.Answer, ok bool) {
	a.Receipt = w.receipt
	if w.asked == 0 {
		return a, false
	}
	s.mirror.look(func(v *placement.View) {
		var st messages.FilterStatus
		if st, ok = v.Answer(w.wire, w.options, w.asked); ok && st.Granted {
			a.QoS = min(st.QoS, w.options.QoS)
		} else if ok {
			a.Failure = &messages.Failure{Code: messages.CodeRefused, Reason: st.Reason}
		}
	})
	return a, ok
}

// endWaiters tells those whose subscription is taken back: a worker that goes on after this
// one is not to carry them out again behind that.
func (s *spread) endWaiters(i placement.Item) {
	l := &s.leader
	end := func(w waiter) bool {
		if w.receipt == "" || !slices.Contains(w.targets, i.Target) {
			return false
		}
		s.reader.Tell(messages.Answer{Receipt: w.receipt, Failure: unsubscribed.failure})
		return true
	}
	l.waiting[i.Wire] = slices.DeleteFunc(l.waiting[i.Wire], end)
	if len(l.waiting[i.Wire]) == 0 {
		delete(l.waiting, i.Wire)
	}
	for receipt, w := range l.storing {
		if w.wire == i.Wire && end(w) {
			w.receipt = ""
			l.storing[receipt] = w
		}
	}
}

// configuredNow are the changes that make of the registry what the rules say, after those of
// before.
func (s *spread) configuredNow(before messages.Rules) (changes []messages.Change) {
	rules, wanted := s.rules.Load(), map[placement.Item]messages.Options{}
	for _, st := range rules.Static {
		for _, target := range st.Targets {
			wanted[placement.Item{Wire: placement.Wire(st.Filter, st.Options), Target: target}] = st.Options
		}
	}
	left := map[string][]messages.Target{}
	s.mirror.look(func(v *placement.View) {
		for st := range v.Stored {
			i := placement.Item{Wire: placement.Wire(st.Filter, st.Options), Target: st.Target}
			_, static := wanted[i]
			switch {
			case !static && (st.Unasked || s.table.deniedFilter(st.Filter) != nil):
				left[i.Wire] = append(left[i.Wire], st.Target)
				changes = append(changes, messages.Change{Remove: &st})
			case static != st.Static:
				st.Static, st.Unasked = static, false
				changes = append(changes, messages.Change{Put: &st})
			}
		}
		for wire, targets := range left {
			if v.Only(wire, targets) {
				changes = append(changes, messages.Change{Leaving: wire})
			}
		}
	})
	for _, st := range rules.Static {
		wire := placement.Wire(st.Filter, st.Options)
		for _, target := range st.Targets {
			var known bool
			var old messages.Stored
			s.mirror.look(func(v *placement.View) { old, known = v.Wanted(placement.Item{Wire: wire, Target: target}) })
			if !known || old.Options != st.Options {
				changes = append(changes, messages.Change{Put: &messages.Stored{Filter: st.Filter, Target: target, Options: st.Options, Static: true, Unasked: !known || old.Unasked}})
			}
		}
		if !before.Replays(st) {
			changes = append(changes, newcomerChanges(wire, st)...)
		}
	}
	return changes
}
