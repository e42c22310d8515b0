package routing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"chanmqttproxy/messages"
)

// Serving are the members of filters.
func (t *Table) Serving(filters []string) map[string][]messages.MemberInfo {
	served := map[string][]messages.MemberInfo{}
	for _, filter := range filters {
		if r, ok := t.trie.Get(filter); ok {
			served[filter] = r.memberInfo(nil)
		}
	}
	return served
}

// Matching is what becomes of a topic.
func (t *Table) Matching(name string) []messages.RouteInfo {
	matched := t.trie.Match(name, nil)
	routes := []messages.RouteInfo{}
	for _, r := range matched {
		f := messages.RouteInfo{Filter: r.Filter, QoS: r.Desired.QoS, Members: r.memberInfo(matched)}
		f.Delivers = slices.ContainsFunc(f.Members, func(m messages.MemberInfo) bool { return m.Delivers })
		routes = append(routes, f)
	}
	slices.SortFunc(routes, func(a, b messages.RouteInfo) int { return cmp.Compare(a.Filter, b.Filter) })
	return routes
}

// memberInfo is that of the members, with whether this one of the matching routes delivers to them.
func (r *Route) memberInfo(matched []*Route) []messages.MemberInfo {
	list := []messages.MemberInfo{}
	for target, m := range r.members.Each {
		f := messages.MemberInfo{Target: target, Options: m.options, Static: m.static}
		if by, _ := deliveringRoute(target, matched); by == r {
			f.Delivers = true
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b messages.MemberInfo) int {
		return cmp.Or(cmp.Compare(a.Target.Kind, b.Target.Kind), cmp.Compare(a.Target.Name, b.Target.Name))
	})
	return list
}

// Describe says in words what becomes of a message, for those who follow it.
func (m Match) Describe() (what, text string) {
	if len(m.Routes) == 0 && m.Remote {
		return "matched", "by a filter that has moved: another session slot delivers it"
	}
	if len(m.Routes) == 0 {
		return "unmatched", "no filter matches its topic: it goes to nobody"
	}
	var filters, targets []string
	for _, r := range m.Routes {
		filters = append(filters, r.Filter)
	}
	for _, p := range m.Parts {
		for _, member := range p.Members {
			targets = append(targets, member.Target.String())
		}
	}
	slices.Sort(filters)
	slices.Sort(targets)
	return "matched", fmt.Sprintf("by %s; it goes to %s", some(filters), some(targets))
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
