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
	// members get it from another slot.
	Parts  []Part
	Remote bool
	// Response: the requests get a part of it.
	Response bool
}

// Part is one subscription's share of a delivery.
type Part struct {
	Route   *Route
	Members []messages.Member
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

// all are the members of a route. Those of routes that have the same member alone share a list.
func (t *Table) all(r *Route) []messages.Member {
	if r.everybody != nil {
		return *r.everybody
	}
	list := make([]messages.Member, 0, r.members.Len())
	for target, m := range r.members.Each {
		list = append(list, messages.Member{Target: target, Options: m.options})
	}
	r.everybody = &list
	if len(list) == 1 {
		r.everybody = t.targets[list[0].Target].share(&list)
	}
	return *r.everybody
}

// many is the most members of a delivery that the router passes on itself.
const many = 8

// NeedsActor says whether a delivery is for a subscription's actor: some members want it held back,
// or there are many.
func NeedsActor(members []messages.Member) bool {
	return len(members) > many || slices.ContainsFunc(members, func(m messages.Member) bool { return m.Options.MinInterval > 0 })
}

// matchLive adds the part of one route.
func (t *Table) matchLive(m *Match, d messages.Delivery, r *Route, members []messages.Member) {
	here := t.Here(d, r, members)
	if len(here) > 0 {
		m.Parts = append(m.Parts, Part{r, here})
	}
	m.Remote = m.Remote || len(here) < len(members)
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
				by, member := deliveringRoute(target, m.Routes)
				m.Parts = appendPart(m.Parts, by, member)
			}
		}
	}
}

// appendPart adds members to the part of a route.
func appendPart(parts []Part, r *Route, members ...messages.Member) []Part {
	i := slices.IndexFunc(parts, func(p Part) bool { return p.Route == r })
	if i < 0 {
		i = len(parts)
		parts = append(parts, Part{Route: r})
	}
	parts[i].Members = append(parts[i].Members, members...)
	return parts
}

// isResponse says whether a topic is one of the responses to requests.
func (t *Table) isResponse(name string) bool {
	f := t.responses.Filter
	return f != "" && strings.HasPrefix(name, strings.TrimSuffix(f, "+"))
}

// own are the members that get a message by this route, of all that match: they have been in it
// for the longest. A route of which nothing is held back goes before one that is held.
func (r *Route) own(matched []*Route) []messages.Member {
	var own []messages.Member
	for target, m := range r.members.Each {
		older := func(o *Route) bool {
			other, ok := o.members.Get(target)
			return ok && (o.Held == r.Held && other.order < m.order || r.Held && !o.Held)
		}
		if !slices.ContainsFunc(matched, older) {
			own = append(own, messages.Member{Target: target, Options: m.options})
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

// deliveringRoute is the matching route by which a target gets messages, the one in which
// it has been for the longest, and its membership there.
func deliveringRoute(target messages.Target, matched []*Route) (by *Route, member messages.Member) {
	var oldest membership
	for _, r := range matched {
		if m, ok := r.members.Get(target); ok && (by == nil || by.Held && !r.Held || by.Held == r.Held && m.order < oldest.order) {
			by, oldest = r, m
		}
	}
	return by, messages.Member{Target: target, Options: oldest.options}
}
