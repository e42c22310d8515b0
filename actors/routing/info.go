package routing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"chanmqttproxy/messages"
)

// Serving are the subscribers of filters.
func (t *Table) Serving(filters []string) map[string][]messages.SubscriberInfo {
	served := map[string][]messages.SubscriberInfo{}
	for _, filter := range filters {
		if r, ok := t.trie.Get(filter); ok {
			served[filter] = r.subscriberInfo(nil)
		}
	}
	return served
}

// Matching is what becomes of a topic.
func (t *Table) Matching(name string) []messages.RouteInfo {
	matched := t.trie.Match(name, nil)
	routes := []messages.RouteInfo{}
	for _, r := range matched {
		f := messages.RouteInfo{Filter: r.Filter, QoS: r.Desired.QoS, Subscribers: r.subscriberInfo(matched)}
		f.Delivers = slices.ContainsFunc(f.Subscribers, func(s messages.SubscriberInfo) bool { return s.Delivers })
		routes = append(routes, f)
	}
	slices.SortFunc(routes, func(a, b messages.RouteInfo) int { return cmp.Compare(a.Filter, b.Filter) })
	return routes
}

// subscriberInfo is that of the subscribers, and whether it is this one of the matching routes that
// delivers to them.
func (r *Route) subscriberInfo(matched []*Route) []messages.SubscriberInfo {
	list := []messages.SubscriberInfo{}
	for target, s := range r.subscribers.Each {
		f := messages.SubscriberInfo{Target: target, Options: s.options, Static: s.static}
		if by, _ := deliveringRoute(target, matched); by == r {
			f.Delivers = true
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b messages.SubscriberInfo) int {
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
		for _, s := range p.Subscribers {
			targets = append(targets, s.Target.String())
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
