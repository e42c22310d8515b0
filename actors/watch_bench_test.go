package actors_test

import (
	"testing"

	"chanmqttproxy/messages"
)

// BenchmarkWatch is what it costs to look at a tree with 10,000 subscriptions.
func BenchmarkWatch(b *testing.B) {
	tree, _, _ := withFilters(b, 10_000)
	b.Run("tree", func(b *testing.B) {
		for b.Loop() {
			tree.Watch()
		}
	})
	b.Run("page of the list", func(b *testing.B) {
		for b.Loop() {
			if _, rows := tree.Subscriptions(messages.SubscriptionList{Sort: "messages", Desc: true, Limit: 50}); len(rows) != 50 {
				b.Fatal(len(rows))
			}
		}
	})
}
