package actors

import (
	"slices"

	"chanmqttproxy/messages"
)

// Subscriptions lists some of the subscriptions. total is how many have filters that contain
// the text.
func (t *Tree) Subscriptions(list messages.SubscriptionList) (total int, rows []messages.SubscriptionRow) {
	found := t.shared.registry.rows.all(list.Text, false)
	sortRows(found, list.Sort)
	if list.Desc {
		slices.Reverse(found)
	}
	total = len(found)
	found = found[min(max(list.Offset, 0), total):]
	found = found[:min(max(list.Limit, 0), len(found))]
	return total, t.rows(found)
}

// rows asks each router once for the info.
func (t *Tree) rows(list []*row) []messages.SubscriptionRow {
	filters := map[string][]string{} // by router
	for _, r := range list {
		filters[r.paths.router] = append(filters[r.paths.router], r.filter)
	}
	info := map[string]map[string]messages.SubscriptionInfo{}
	for router, some := range filters {
		info[router] = t.serving(router, some...)
	}
	rows := make([]messages.SubscriptionRow, len(list))
	for i, r := range list {
		rows[i] = messages.SubscriptionRow{Path: r.path(), SubscriptionInfo: messages.SubscriptionInfo{Filter: r.filter}}
		if f, ok := info[r.paths.router][r.filter]; ok {
			rows[i].SubscriptionInfo = f
		}
	}
	return rows
}

// Matching returns the filters of the slots here that match a topic, and the targets that
// they serve. The routers answer behind what is in their mailboxes; nil: not in time.
func (t *Tree) Matching(topic string) []messages.RouteInfo {
	routes := []messages.RouteInfo{}
	for _, s := range t.all() {
		answer, _ := t.request(s.deps.paths.router, messages.Matching{Topic: topic}).Result()
		matched, ok := answer.([]messages.RouteInfo)
		if !ok {
			return nil
		}
		routes = append(routes, matched...)
	}
	return routes
}

// Targets returns the targets that have an actor now.
func (t *Tree) Targets() []messages.Target {
	var list []messages.Target
	for _, w := range t.shared.registry.all() {
		switch w.kind {
		case "group":
			list = append(list, messages.Target{Kind: messages.Group, Name: w.name})
		case "channel":
			list = append(list, messages.Target{Kind: messages.Channel, Name: w.name})
		case streamKind:
			list = append(list, messages.Target{Kind: messages.Stream, Name: w.name})
		}
	}
	return list
}
