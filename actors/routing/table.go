package routing

import (
	"time"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Table has the routes of all filters.
type Table struct {
	Pairs Pairs
	// Here returns those subscribers of a route that do not get a delivery from another slot.
	Here func(messages.Delivery, *Route, []messages.Subscriber) []messages.Subscriber
	// Unasked: the broker is not asked for the filters of routes that are made.
	Unasked bool

	trie      topic.Trie[Route]
	targets   map[messages.Target]*served
	responses messages.Desired // the filter of responses to requests; zero: there are none
	revision  uint64           // of the newest Desired
	joined    uint64           // how often a target has joined a filter
	after     uint64           // Seq of the last delivery
	connected bool             // there has been a connection
	base      time.Time        // the first that was told: see time

	matched []*Route // scratch space of one delivery
	parts   []Part
}

// NewTable makes a table without filters.
func NewTable(pairs Pairs) *Table {
	return &Table{Pairs: pairs, targets: map[messages.Target]*served{}, Here: func(_ messages.Delivery, _ *Route, all []messages.Subscriber) []messages.Subscriber { return all }}
}

// time is a moment in ns since the first one that was told. Where both have a monotonic clock it is
// measured by that, so it never steps back.
func (t *Table) time(now time.Time) int64 {
	if t.base.IsZero() {
		t.base = now
	}
	return int64(now.Sub(t.base))
}

// Effects are what an actor has to do after a change, in the order of the fields.
type Effects struct {
	Made       []*Route // their subscriptions are to be made, before anything is told to them
	Flush      []Flush
	Gone       []*Route             // their subscriptions are to stop, after they have what is kept for them
	Session    []messages.ToSession // in this order
	Recipients []Recipient
	Answers    []messages.Reply  // after the command is done
	Idle       []messages.Target // that are in no filter any more
}

// Flush has a subscription pass on what it has, before anything else comes.
type Flush struct {
	Route *Route
	messages.Flush
}

// Recipient is to get the retained messages of a filter.
type Recipient struct {
	Route *Route
	messages.SendRetained
}

// Get is the route of a filter.
func (t *Table) Get(filter string) (*Route, bool) { return t.trie.Get(filter) }

// Wired is the route of a filter as the broker knows it.
func (t *Table) Wired(wire string) (*Route, bool) {
	r, ok := t.trie.Get(topic.Unshared(wire))
	return r, ok && r.Shared == topic.IsShared(wire)
}

// Each calls do with every route.
func (t *Table) Each(do func(*Route)) { t.trie.Each(do) }

// Serves says whether a target is in any filter.
func (t *Table) Serves(target messages.Target) bool { return t.targets[target] != nil }

// Len is how many filters and how many targets there are.
func (t *Table) Len() (filters, targets int) { return t.trie.Len(), len(t.targets) }

// Seen notes the number of a delivery that has come: recipients get what comes later.
func (t *Table) Seen(seq uint64) { t.after = seq }

// Subscribe adds the targets to a filter and returns what is to be stored of that.
func (t *Table) Subscribe(e *Effects, c messages.SubscribeCommand, now time.Time) (changes []messages.Change) {
	r, ok := t.trie.Get(c.Filter)
	if !ok {
		r = t.add(e, c.Filter, c.Options)
	}
	known := r.served(c.Options)
	for _, target := range c.Targets {
		if r.Has(target) {
			known = false // its old options may have been the reason for what is wanted
			target = t.named(target)
		} else {
			target = t.serve(target)
			t.Pairs.Add(1)
		}
		t.joined++
		if r.join(target, c.Options, t.joined, t.time(now)) {
			changes = append(changes, messages.Change{Put: &messages.Stored{Filter: r.Filter, Target: target, Options: c.Options}})
		}
	}
	if len(changes) > 0 && r.static { // what is stored may go again, and the mark goes with it
		changes = append(changes, messages.Change{Leaving: r.Wire()})
	}
	switch {
	case c.Retained:
		t.SendRetained(e, r, c)
	case len(changes) > 0 && !known:
		t.want(e, r, false)
	}
	return changes
}

func (t *Table) add(e *Effects, filter string, o messages.Options) *Route {
	wire := placement.Wire(filter, o)
	r := &Route{Filter: filter, Shared: o.Shared, identifier: topic.Identifier(wire), Unasked: t.Unasked}
	r.Desired.Overlaps = t.overlaps(e, filter)
	t.trie.Set(filter, r)
	e.Made = append(e.Made, r)
	return r
}

// SendRetained has the broker asked for the retained messages of a filter, for the recipients
// that a subscribe names.
func (t *Table) SendRetained(e *Effects, r *Route, c messages.SubscribeCommand) {
	t.want(e, r, true)
	for _, n := range RecipientsOf(c) {
		m := messages.SendRetained{Target: t.named(n.Target), Channel: n.Channel, Filter: r.Filter, Options: c.Options, Revision: r.Desired.Revision, After: t.after}
		r.waits(m.Target, m.Revision)
		e.Recipients = append(e.Recipients, Recipient{r, m})
	}
}

// RecipientsOf are the recipients of retained messages that a subscribe names.
func RecipientsOf(c messages.SubscribeCommand) (list []messages.Recipient) {
	if !c.Retained {
		return nil
	}
	for i, target := range c.Targets {
		n := messages.Recipient{Filter: c.Filter, Target: target}
		switch {
		case c.Recipient == "" || target.Kind == messages.Channel:
		case i == 0:
			n.Channel = c.Recipient
		default:
			continue // the channel is one of the first target's
		}
		list = append(list, n)
	}
	return list
}

// Complete notes that all retained messages have come for those who wait for a target.
func (t *Table) Complete(m messages.RetainedComplete) {
	if r, ok := t.trie.Get(m.Filter); ok && r.recipients()[m.Target] <= m.Revision {
		delete(r.recipients(), m.Target)
	}
}

// Unsubscribe takes the targets away from a filter and returns what is to be stored of that.
func (t *Table) Unsubscribe(e *Effects, filter string, targets []messages.Target) (changes []messages.Change) {
	r, ok := t.trie.Get(filter)
	if !ok {
		return nil
	}
	var left []messages.Target
	for _, target := range targets {
		if s, known := r.subscribers.Get(target); known {
			t.leave(e, r, target)
			left = append(left, target)
			changes = append(changes, messages.Change{Remove: &messages.Stored{Filter: filter, Target: target, Options: s.options}})
		}
	}
	if len(left) == 0 {
		return nil
	}
	e.Flush = append(e.Flush, Flush{r, messages.Flush{Left: left}})
	if r.subscribers.Len() > 0 {
		t.want(e, r, false)
		return changes
	}
	t.trie.Delete(filter)
	e.Gone = append(e.Gone, r)
	e.Answers = append(e.Answers, r.Replies.Decide(unsubscribed)...)
	e.Session = append(e.Session, messages.Undesired{Filter: r.Wire()})
	return append(changes, messages.Change{Leaving: r.Wire()})
}

func (t *Table) leave(e *Effects, r *Route, target messages.Target) {
	r.leave(target)
	t.Pairs.Add(-1)
	s := t.targets[target]
	if s.filters--; s.filters == 0 {
		delete(t.targets, target)
		e.Idle = append(e.Idle, target)
	}
}
