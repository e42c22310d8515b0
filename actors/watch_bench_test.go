package actors_test

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
	"chanmqttproxy/test/probe"
)

// BenchmarkWatch is what it costs to look at a tree with 10,000 subscriptions.
func BenchmarkWatch(b *testing.B) {
	layer, broker := probe.NewLayer(), probe.NewBroker()
	tree := actors.Start(actors.Options{Layer: layer, MQTT: broker, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	defer func() {
		tree.Shutdown()
		<-tree.Done()
		time.Sleep(2 * time.Second) // the library's dead-letter throttle ends
	}()
	for i := range 10_000 {
		layer.Put(subscribe(fmt.Sprintf("house/%d/x", i), alerts))
	}
	kit.Eventually(b, time.Minute, "all are there", func() bool { return len(tree.Members("subscription", "")) == 10_000 })
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
