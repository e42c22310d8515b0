package actors

import (
	"cmp"
	"slices"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// Subscriptions lists some of the subscriptions. total is how many have filters that contain
// the text. Only the actors that are listed get a message.
func (t *Tree) Subscriptions(list messages.SubscriptionList) (total int, rows []messages.SubscriptionRow) {
	found := t.shared.observer.named("subscription", list.Text)
	order(found, list.Sort)
	if list.Desc {
		slices.Reverse(found)
	}
	total = len(found)
	found = found[min(max(list.Offset, 0), total):]
	found = found[:min(max(list.Limit, 0), len(found))]
	return total, t.rows(found)
}

// named are the live actors of a kind whose names contain the text.
func (o *observer) named(kind, text string) []*watched {
	return slices.DeleteFunc(o.all(), func(w *watched) bool { return w.kind != kind || !strings.Contains(w.name, text) })
}

// order sorts by keys that are read once, since they may change meanwhile.
func order(list []*watched, by string) {
	type entry struct {
		key uint64
		of  *watched
	}
	entries := make([]entry, len(list))
	for i, w := range list {
		entries[i] = entry{0, w}
		switch by {
		case "messages":
			entries[i].key = w.handled.Load()
		case "last":
			entries[i].key = uint64(w.lastAt.Load())
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return strings.Compare(a.of.name, b.of.name)
	})
	for i, e := range entries {
		list[i] = e.of
	}
}

// rows sends all requests before it waits for the answers.
func (t *Tree) rows(list []*watched) []messages.SubscriptionRow {
	asked := make([]*actor.Future, len(list))
	filters := map[string][]string{} // by bridge
	for i, w := range list {
		asked[i] = t.request(w.path, messages.Inspect{})
		filters[rootOf(w.path)] = append(filters[rootOf(w.path)], w.name)
	}
	members := map[string]map[string][]messages.MemberFacts{}
	for bridge, some := range filters {
		members[bridge] = t.serving(bridge, some...)
	}
	rows := make([]messages.SubscriptionRow, len(list))
	for i, w := range list {
		rows[i] = messages.SubscriptionRow{Path: w.path, SubscriptionFacts: messages.SubscriptionFacts{Filter: w.name}}
		answer, _ := asked[i].Result()
		if facts, ok := answer.(messages.SubscriptionFacts); ok {
			rows[i].SubscriptionFacts = facts
		}
		rows[i].Members = members[rootOf(w.path)][w.name]
	}
	return rows
}

// Matching returns the filters of the slots here that match a topic, and the targets that
// they serve. The routers answer behind what is in their mailboxes; nil: not in time.
func (t *Tree) Matching(topic string) []messages.RouteFacts {
	routes := []messages.RouteFacts{}
	for _, s := range t.all() {
		answer, _ := t.request(s.deps.paths.router, messages.Matching{Topic: topic}).Result()
		matched, ok := answer.([]messages.RouteFacts)
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
	for _, w := range t.shared.observer.all() {
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
