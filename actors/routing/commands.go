package routing

import (
	"slices"
	"strings"
	"time"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
)

// Command carries out a subscribe of a command and returns what is to be stored, or why it
// is refused; full: there are too many subscriptions, which was not so before.
func (t *Table) Command(e *Effects, receipt messages.Receipt, c messages.SubscribeCommand, now time.Time) (changes []messages.Change, refused *messages.Failure, full bool) {
	r, ok := t.trie.Get(c.Filter)
	if ok && r.Shared != c.Options.Shared {
		return nil, SharedOrNot(c.Filter), false
	}
	if refused, full = t.Pairs.Full(t.more(c), t.Pairs.All()); refused != nil {
		return nil, refused, full
	}
	if !ok {
		c.Filter = strings.Clone(c.Filter) // without the whole command
	}
	changes = t.Subscribe(e, c, now)
	if len(changes) == 0 {
		changes = t.known(c)
	}
	r, _ = t.trie.Get(c.Filter)
	t.await(e, r, receipt, c, now)
	for _, target := range c.Targets {
		r.commanded(target, true)
	}
	return changes, nil, false
}

// more is how many pairs a subscribe adds.
func (t *Table) more(c messages.SubscribeCommand) (more int) {
	r, ok := t.trie.Get(c.Filter)
	for _, target := range c.Targets {
		if !ok || !r.Has(target) {
			more++
		}
	}
	return more
}

// SharedOrNot is why a filter cannot be shared and not shared.
func SharedOrNot(filter string) *messages.Failure {
	return &messages.Failure{Code: messages.CodeRefused, Reason: filter +
		" is subscribed to already: it can be shared by all who ask for it, or by none; have it unsubscribed first"}
}

// known are the changes that store again what a site subscribes to as it has done
// before: Redis may have lost it.
func (t *Table) known(c messages.SubscribeCommand) (changes []messages.Change) {
	r, ok := t.trie.Get(c.Filter)
	for _, target := range c.Targets {
		if ok && r.Has(target) && !r.isFixed(target) {
			changes = append(changes, messages.Change{Put: &messages.Stored{Filter: r.Filter, Target: t.named(target), Options: c.Options}})
		}
	}
	return changes
}

// await has a subscribe answered when the broker has said what it grants. A filter
// that it has refused is asked for again.
func (t *Table) await(e *Effects, r *Route, receipt messages.Receipt, c messages.SubscribeCommand, now time.Time) {
	if r.Replies.Refused(r.Desired.Revision) {
		t.request(e, r, r.Desired, false)
	}
	if c.ReplyTo.Channel == "" {
		return
	}
	if a, ok := r.Replies.Wait(receipt, c.Options.QoS, r.Desired.Revision, now); ok {
		e.Answers = append(e.Answers, a)
	}
}

// Restore takes over what was stored, what the rules allow of it, and what the rules want.
// It returns what is to be stored, and the filters to unsubscribe from.
func (t *Table) Restore(e *Effects, stored []messages.Stored, rules messages.Rules, denied func(filter string) bool, now time.Time) (changes []messages.Change, leaving []string) {
	var ending []messages.Stored // there were several slots
	for _, s := range stored {
		switch wire := placement.Wire(s.Filter, s.Options); {
		case s.Ending:
			ending = append(ending, s)
		case denied(s.Filter):
			leaving = append(leaving, wire)
			changes = append(changes, messages.Change{Remove: &s}, messages.Change{Leaving: wire})
		default:
			t.Subscribe(e, messages.SubscribeCommand{Filter: s.Filter, Targets: []messages.Target{s.Target}, Options: s.Options}, now)
			r, _ := t.trie.Get(s.Filter)
			r.commanded(s.Target, true)
		}
	}
	changes = append(changes, t.subscribeStatic(e, rules, messages.Rules{}, now)...)
	for _, s := range ending {
		changes = append(changes, messages.Change{Remove: &s})
		wire := placement.Wire(s.Filter, s.Options)
		if _, wanted := t.trie.Get(s.Filter); !wanted {
			leaving = append(leaving, wire)
			changes = append(changes, messages.Change{Leaving: wire})
		}
	}
	return changes, leaving
}

// subscribeStatic subscribes to what the rules want, and returns what is to be
// stored of that. Who got retained messages by the former rules does not get them again.
func (t *Table) subscribeStatic(e *Effects, rules, before messages.Rules, now time.Time) (changes []messages.Change) {
	for _, s := range rules.Static {
		if r, ok := t.trie.Get(s.Filter); !ok || !r.serves(s) || s.Retained && !before.AsksRetained(s) {
			t.Subscribe(e, s, now)
		}
		r, _ := t.trie.Get(s.Filter)
		for _, target := range s.Targets {
			r.fix(target)
		}
		// The configuration of the next start may not have it.
		changes = append(changes, messages.Change{Leaving: r.Wire()})
	}
	return changes
}

// Reconfigure makes of the table what other rules say: what they do not allow any more is
// given up, as at a start, and so is what the former rules alone have wanted.
func (t *Table) Reconfigure(e *Effects, rules, before messages.Rules, denied func(filter string) bool, now time.Time) []messages.Change {
	t.trie.Each(func(r *Route) { r.free() })
	changes := t.subscribeStatic(e, rules, before, now)
	gone := map[string][]messages.Target{}
	t.trie.Each(func(r *Route) {
		if left := r.unwanted(denied(r.Filter)); len(left) > 0 {
			gone[r.Filter] = left
		}
	})
	for filter, left := range gone {
		changes = append(changes, t.Unsubscribe(e, filter, left)...)
	}
	return changes
}

// Reconnected has the retained messages asked for once more that the rules want: some may
// have changed meanwhile, and what is published with QoS 0 is kept for nobody.
func (t *Table) Reconnected(e *Effects, rules messages.Rules, now time.Time) {
	for _, s := range rules.Static {
		if r, ok := t.trie.Get(s.Filter); ok && t.connected && s.Retained && !r.Unasked && r.Has(s.Targets[0]) {
			t.Subscribe(e, s, now)
		}
	}
	t.connected = true
}

// Drop takes a target that nobody listens at out of a filter, but not if it has just asked
// for it again. It returns what is to be stored.
func (t *Table) Drop(e *Effects, filter string, target messages.Target, asked time.Time) []messages.Change {
	r, ok := t.trie.Get(filter)
	if !ok {
		return nil
	}
	if s, _ := r.subscribers.Get(target); s.asked > t.time(asked) {
		return nil
	}
	if r.isFixed(target) {
		r.commanded(target, false)
		return []messages.Change{{Remove: &messages.Stored{Filter: filter, Target: target}}}
	}
	return t.Unsubscribe(e, filter, []messages.Target{target})
}

// Wanted says whether rules want what is to be unsubscribed.
func Wanted(rules messages.Rules, c messages.UnsubscribeCommand) bool {
	return slices.ContainsFunc(rules.Static, func(s messages.SubscribeCommand) bool {
		return s.Filter == c.Filter && slices.ContainsFunc(c.Targets, func(t messages.Target) bool { return slices.Contains(s.Targets, t) })
	})
}
