package routing

import (
	"slices"
	"strings"

	"chanmqttproxy/messages"
)

// Match is what becomes of a delivery. It holds until the next.
type Match struct {
	Routes []*Route // all that match, without closed ones
	// Parts are the subscriptions that get it. Remote: some
	// subscribers get it from another slot.
	Parts  []Part
	Remote bool
	// Response: the requests get a part of it.
	Response bool
}

// Part is one subscription's share of a delivery.
type Part struct {
	Route       *Route
	Subscribers []messages.Subscriber
}

// Match says who gets a delivery.
func (t *Table) Match(d messages.Delivery) Match {
	m := Match{Routes: t.trie.Match(d.Message.Topic, t.matched[:0]), Parts: t.parts[:0]}
	t.matched = m.Routes
	closed := func(r *Route) bool { return r.closed(d) }
	if !d.Message.Retain && slices.ContainsFunc(m.Routes, closed) {
		m.Routes, m.Remote = slices.DeleteFunc(m.Routes, closed), true
	}
	switch {
	case d.Message.Retain:
		t.matchRetained(&m, d)
	case len(m.Routes) == 1 && m.Routes[0].concerns(d):
		t.matchLive(&m, d, m.Routes[0], t.all(m.Routes[0]))
	default:
		for _, r := range m.Routes {
			if r.concerns(d) {
				t.matchLive(&m, d, r, r.own(m.Routes))
			}
		}
	}
	m.Response = !d.Message.Retain && t.isResponse(d.Message.Topic)
	t.parts = m.Parts
	return m
}

// all are the subscribers of a route. Routes whose only subscriber is the same share a list.
func (t *Table) all(r *Route) []messages.Subscriber {
	if r.everybody != nil {
		return *r.everybody
	}
	list := make([]messages.Subscriber, 0, r.subscribers.Len())
	for target, s := range r.subscribers.Each {
		list = append(list, messages.Subscriber{Target: target, Options: s.options})
	}
	r.everybody = &list
	if len(list) == 1 {
		r.everybody = t.targets[list[0].Target].share(&list)
	}
	return *r.everybody
}

// many is how many subscribers a delivery has at most that the router passes on itself.
const many = 8

// NeedsActor says whether a delivery is for a subscription's actor: some subscribers want it
// held back, or there are many.
func NeedsActor(subscribers []messages.Subscriber) bool {
	return len(subscribers) > many || slices.ContainsFunc(subscribers, func(s messages.Subscriber) bool { return s.Options.MinInterval > 0 })
}

// matchLive adds the part of one route.
func (t *Table) matchLive(m *Match, d messages.Delivery, r *Route, subscribers []messages.Subscriber) {
	here := t.Here(d, r, subscribers)
	if len(here) > 0 {
		m.Parts = append(m.Parts, Part{r, here})
	}
	m.Remote = m.Remote || len(here) < len(subscribers)
}

// matchRetained adds the parts of the targets behind which recipients wait for a retained message.
// A target gets it by the filter that delivers live messages of its topic. The subscription that
// asked for it gets it in any case.
func (t *Table) matchRetained(m *Match, d messages.Delivery) {
	seen := map[messages.Target]bool{}
	for _, r := range m.Routes {
		if len(r.recipients()) == 0 || !r.concerns(d) {
			continue
		}
		m.Parts = appendPart(m.Parts, r)
		for target := range r.recipients() {
			if !seen[target] {
				seen[target] = true
				by, to := deliveringRoute(target, m.Routes)
				m.Parts = appendPart(m.Parts, by, to)
			}
		}
	}
}

// appendPart adds subscribers to the part of a route.
func appendPart(parts []Part, r *Route, subscribers ...messages.Subscriber) []Part {
	i := slices.IndexFunc(parts, func(p Part) bool { return p.Route == r })
	if i < 0 {
		i = len(parts)
		parts = append(parts, Part{Route: r})
	}
	parts[i].Subscribers = append(parts[i].Subscribers, subscribers...)
	return parts
}

// isResponse says whether a topic is one of the responses to requests.
func (t *Table) isResponse(name string) bool {
	f := t.responses.Filter
	return f != "" && strings.HasPrefix(name, strings.TrimSuffix(f, "+"))
}

// own are the subscribers that get a message by this route: of the routes that match, they have
// been in this one for the longest. A route of which nothing is held back goes before one that is
// held.
func (r *Route) own(matched []*Route) []messages.Subscriber {
	var own []messages.Subscriber
	for target, s := range r.subscribers.Each {
		older := func(o *Route) bool {
			other, ok := o.subscribers.Get(target)
			return ok && (o.Held == r.Held && other.order < s.order || r.Held && !o.Held)
		}
		if !slices.ContainsFunc(matched, older) {
			own = append(own, messages.Subscriber{Target: target, Options: s.options})
		}
	}
	return own
}

// concerns says whether the broker sent this copy for the route's filter. A
// broker that sends one copy for each filter names the filter's identifier in
// each [MQTT-3.3.4-4]; one that names none sent it for all.
func (r *Route) concerns(d messages.Delivery) bool {
	return len(d.Identifiers) == 0 || slices.Contains(d.Identifiers, r.identifier)
}

// deliveringRoute is the matching route by which a target gets messages: the one in which it has
// been for the longest. With it comes the target as a subscriber of that route.
func deliveringRoute(target messages.Target, matched []*Route) (by *Route, to messages.Subscriber) {
	var oldest subscriber
	for _, r := range matched {
		if s, ok := r.subscribers.Get(target); ok && (by == nil || by.Held && !r.Held || by.Held == r.Held && s.order < oldest.order) {
			by, oldest = r, s
		}
	}
	return by, messages.Subscriber{Target: target, Options: oldest.options}
}
