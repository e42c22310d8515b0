package actors

import (
	"slices"
	"time"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/actors/placement"
	"chanmqttproxy/actors/routing"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// leader is the part of the first slot's router that serves all slots: it writes commands
// into the registry, and answers them from the statuses of the slots.
type leader struct {
	commands *placement.Commands
	storing  map[messages.Receipt]waiter // while their subscribes are written
	waiting  map[string][]waiter         // by the filter as the broker knows it
	layout   messages.Layout
}

// waiter is a subscribe whose sender waits for an answer.
type waiter struct {
	receipt messages.Receipt // "": nobody waits
	wire    string
	targets []messages.Target
	options messages.Options
	number  uint64 // of the registry once it was written
	asked   uint64 // number of the change by which its targets asked for the filter
	came    time.Time
}

func newLeader(l messages.Layout, commands *placement.Commands) leader {
	return leader{commands: commands, storing: map[messages.Receipt]waiter{}, waiting: map[string][]waiter{}, layout: l}
}

// lead tidies the registry, and answers the waiters that it can.
func (s *spread) lead(c placement.Changed) {
	l := &s.leader
	var changes []messages.Change
	s.mirror.read(func(v *placement.View) {
		l.commands.Seen()
		if slices.Equal(l.commands.Epochs, v.Epochs()) {
			l.commands.Epochs = nil
		}
		changes = l.commands.Tidy(c)
		if epochs, changed := l.commands.Layouts(max(1, l.layout.Sessions)); changed && l.commands.Epochs == nil {
			l.commands.Epochs = epochs
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

// register writes a subscribe into the registry.
func (s *spread) register(receipt messages.Receipt, c messages.SubscribeCommand) {
	wire, other := placement.Wire(c.Filter, c.Options), topic.Shared(c.Filter)
	if c.Options.Shared {
		other = c.Filter
	}
	l := &s.leader
	var taken bool
	more, all := 0, l.commands.Pairs()
	s.mirror.read(func(v *placement.View) {
		taken, all = l.commands.Subscribed(other), all+v.Pairs()
		for _, target := range c.Targets {
			if _, known := l.commands.Wanted(placement.Item{Wire: wire, Target: target}); !known {
				more++
			}
		}
	})
	if taken {
		s.table.refuse(receipt, routing.SharedOrNot(c.Filter))
		return
	}
	if refused, full := s.routes.Pairs.Full(more, all); refused != nil {
		s.logFull(full, refused)
		s.table.refuse(receipt, refused)
		return
	}
	w := waiter{wire: wire, targets: c.Targets, options: c.Options}
	if c.ReplyTo.Channel != "" {
		w.receipt = receipt
	}
	var changes []messages.Change
	s.mirror.read(func(*placement.View) {
		for _, target := range c.Targets {
			old, _ := l.commands.Wanted(placement.Item{Wire: wire, Target: target})
			changes = append(changes, l.commands.Put(messages.Stored{Filter: c.Filter, Target: target, Options: c.Options, Static: old.Static})...)
		}
	})
	l.storing[receipt] = w
	s.table.keep(receipt, append(changes, recipientChanges(wire, c)...))
}

// recipientChanges are the changes that put the recipients of a subscribe into the registry.
func recipientChanges(wire string, c messages.SubscribeCommand) (changes []messages.Change) {
	for _, n := range routing.RecipientsOf(c) {
		n.Filter = wire
		changes = append(changes, messages.Change{Recipient: &n})
	}
	return changes
}

// unregister takes targets of a filter out of the registry.
func (s *spread) unregister(receipt messages.Receipt, filter string, targets []messages.Target) {
	commands := s.leader.commands
	wire := filter
	var changes []messages.Change
	s.mirror.read(func(*placement.View) {
		if !commands.Subscribed(wire) && commands.Subscribed(topic.Shared(filter)) {
			wire = topic.Shared(filter)
		}
		changes = commands.Remove(wire, targets)
	})
	for _, target := range targets {
		s.dropWaiters(placement.Item{Wire: wire, Target: target})
	}
	s.table.keep(receipt, changes)
}

// drop takes a target at which nobody listens out of the registry, unless it has just asked
// for the filter again. It does not need Drop.Asked: the store drops no target while
// it has a change of it to write, so a change that it did not know of is still being written.
func (s *spread) drop(filter string, target messages.Target) {
	for _, wire := range []string{filter, topic.Shared(filter)} {
		if s.leader.commands.Writing(placement.Item{Wire: wire, Target: target}) {
			return
		}
	}
	s.unregister("", filter, []messages.Target{target})
}

// kept notes that the changes of commands are written, and lets their senders wait for the
// broker's answer.
func (s *spread) kept(m messages.Kept) {
	l := &s.leader
	s.mirror.read(func(*placement.View) { l.commands.Written(m.ChangeSeq, m.Number) })
	for _, receipt := range m.Receipts {
		w, ok := l.storing[receipt]
		delete(l.storing, receipt)
		if ok && w.receipt != "" {
			w.number, w.came = m.Number, time.Now()
			l.waiting[w.wire] = append(slices.DeleteFunc(l.waiting[w.wire], waiter.over), w)
			s.answerWaiters(w.wire)
		}
	}
}

// over says whether the commands actor has answered the sender that the broker does not answer.
func (w waiter) over() bool { return time.Since(w.came) > commands.AnswerWait }

// answerWaiters answers those who wait for the broker's answer about a filter, if it is there.
func (s *spread) answerWaiters(wire string) {
	l := &s.leader
	list := l.waiting[wire]
	if len(list) == 0 {
		return
	}
	s.mirror.read(func(v *placement.View) {
		for i := range list {
			if list[i].asked == 0 && v.Number() >= list[i].number {
				for _, target := range list[i].targets {
					list[i].asked = max(list[i].asked, v.AskedBy(placement.Item{Wire: wire, Target: target}))
				}
			}
		}
	})
	rest := list[:0]
	for _, w := range list {
		if a, ok := s.answerTo(w); ok {
			s.commands.Tell(a)
		} else {
			rest = append(rest, w)
		}
	}
	if l.waiting[wire] = rest; len(rest) == 0 {
		delete(l.waiting, wire)
	}
}

// answerTo returns the answer to a subscribe, if there is one yet.
func (s *spread) answerTo(w waiter) (a messages.Reply, ok bool) {
	a.Receipt = w.receipt
	if w.asked == 0 {
		return a, false
	}
	s.mirror.read(func(v *placement.View) {
		var st messages.FilterStatus
		if st, ok = v.Answer(w.wire, w.options, w.asked); ok && st.Granted {
			a.QoS = min(st.QoS, w.options.QoS)
		} else if ok {
			a.Failure = &messages.Failure{Code: messages.CodeRefused, Reason: st.Reason}
		}
	})
	return a, ok
}

// dropWaiters answers the subscribes that an unsubscribe takes back. Without an answer they
// would stay in Redis, and the next worker would carry them out after the unsubscribe.
func (s *spread) dropWaiters(i placement.Item) {
	l := &s.leader
	end := func(w waiter) bool {
		if w.receipt == "" || !slices.Contains(w.targets, i.Target) {
			return false
		}
		s.commands.Tell(messages.Reply{Receipt: w.receipt, Failure: routing.Unsubscribed()})
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

// configuredNow are the changes of the registry that replace the static subscriptions of the
// former rules by those of the present ones.
func (s *spread) configuredNow(before messages.Rules) (changes []messages.Change) {
	rules, wanted := s.rules.Load(), map[placement.Item]messages.Options{}
	for _, st := range rules.Static {
		for _, target := range st.Targets {
			wanted[placement.Item{Wire: placement.Wire(st.Filter, st.Options), Target: target}] = st.Options
		}
	}
	commands := s.leader.commands
	s.mirror.read(func(v *placement.View) {
		left := map[string][]messages.Target{}
		for st := range v.All {
			i := placement.Item{Wire: placement.Wire(st.Filter, st.Options), Target: st.Target}
			_, static := wanted[i]
			switch {
			case !static && (st.Unasked || s.deniedFilter(st.Filter) != nil):
				left[i.Wire] = append(left[i.Wire], st.Target)
			case static != st.Static:
				st.Static, st.Unasked = static, false
				changes = append(changes, commands.Put(st)...)
			}
		}
		for wire, targets := range left {
			changes = append(changes, commands.Remove(wire, targets)...)
		}
	})
	for _, st := range rules.Static {
		wire := placement.Wire(st.Filter, st.Options)
		s.mirror.read(func(*placement.View) {
			for _, target := range st.Targets {
				old, known := commands.Wanted(placement.Item{Wire: wire, Target: target})
				if !known || old.Options != st.Options {
					changes = append(changes, commands.Put(messages.Stored{Filter: st.Filter, Target: target, Options: st.Options, Static: true, Unasked: !known || old.Unasked})...)
				}
			}
		})
		if !before.AsksRetained(st) {
			changes = append(changes, recipientChanges(wire, st)...)
		}
	}
	return changes
}
