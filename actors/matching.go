package actors

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// serving is whom filters serve.
func serving(trie *topic.Trie[*route], filters []string) map[string][]messages.MemberFacts {
	served := map[string][]messages.MemberFacts{}
	for _, filter := range filters {
		if to, ok := trie.Get(filter); ok {
			served[filter] = to.memberFacts(nil)
		}
	}
	return served
}

// matching is what becomes of a topic.
func matching(trie *topic.Trie[*route], name string) []messages.RouteFacts {
	matched := trie.Match(name, nil)
	routes := []messages.RouteFacts{}
	for _, to := range matched {
		f := messages.RouteFacts{Filter: to.filter, QoS: to.want.QoS, Members: to.memberFacts(matched)}
		f.Way = slices.ContainsFunc(f.Members, func(m messages.MemberFacts) bool { return m.Way })
		routes = append(routes, f)
	}
	slices.SortFunc(routes, func(a, b messages.RouteFacts) int { return cmp.Compare(a.Filter, b.Filter) })
	return routes
}

// memberFacts are those of the members, with whether they have their way here among the
// matching routes.
func (to *route) memberFacts(matched []*route) []messages.MemberFacts {
	list := []messages.MemberFacts{}
	for target, m := range to.members.Each {
		f := messages.MemberFacts{Target: target, Options: m.options, Static: m.static}
		if way, _ := wayOf(target, matched); way == to {
			f.Way = true
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b messages.MemberFacts) int {
		return cmp.Or(cmp.Compare(a.Target.Kind, b.Target.Kind), cmp.Compare(a.Target.Name, b.Target.Name))
	})
	return list
}

// tellMatched tells who follows a message which filters match it, and to whom it
// goes: where there are no parts, to all of m.To.
func (d *env) tellMatched(m messages.Delivery, matched []*route, parts ...part) {
	if m.Message.Trace == 0 {
		return
	}
	if len(matched) == 0 {
		d.step(m.Message, d.paths.router, "unmatched", "no filter matches its topic: it goes to nobody")
		return
	}
	var filters, targets []string
	for _, to := range matched {
		filters = append(filters, to.filter)
	}
	members := m.To
	for _, p := range parts {
		members = append(members, p.members...)
	}
	for _, member := range members {
		targets = append(targets, member.Target.String())
	}
	slices.Sort(filters)
	slices.Sort(targets)
	d.step(m.Message, d.paths.router, "matched", fmt.Sprintf("by %s; it goes to %s", some(filters), some(targets)))
}

// some are the first of a list, and how many more there are.
func some(list []string) string {
	const most = 5
	switch {
	case len(list) == 0:
		return "nobody by this copy"
	case len(list) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	default:
		return strings.Join(list, ", ")
	}
}
