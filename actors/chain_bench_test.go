package actors_test

import (
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
	"chanmqttproxy/test/probe"
)

// withFilters starts a tree between stand-ins, with so many subscriptions house/N/x.
func withFilters(b testing.TB, n int) (actors.Solo, *probe.Layer, *probe.Broker) {
	b.Helper()
	layer, broker := probe.NewLayer(), probe.NewBroker()
	tree := actors.Start(actors.Options{Layer: layer, MQTT: broker, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	b.Cleanup(func() {
		tree.Shutdown()
		<-tree.Done()
		time.Sleep(2 * time.Second) // the library's dead-letter throttle ends
	})
	for i := range n {
		layer.Put(subscribe(fmt.Sprintf("house/%d/x", i), alerts))
	}
	kit.Eventually(b, time.Minute, "all are there", func() bool { return len(tree.OfKind("subscription", "")) == n && broker.Connected() })
	return tree, layer, broker
}

// BenchmarkChain is a message's walk through the actors, from the connection to the layer
// and back to its acknowledgement, with the stand-ins' bookkeeping; many are under way.
func BenchmarkChain(b *testing.B) {
	for _, filters := range []int{1, 1000} {
		b.Run(fmt.Sprintf("in/%d filters", filters), func(b *testing.B) {
			tree, _, broker := withFilters(b, filters)
			throughout(b, &tree.Stats().Settled, func(n int) {
				broker.Send(messages.Message{Topic: fmt.Sprintf("house/%d/x", n%filters), Payload: []byte("x"), QoS: 1})
			})
		})
	}
	b.Run("out", func(b *testing.B) {
		tree, layer, _ := withFilters(b, 1)
		throughout(b, &tree.Stats().Published, func(int) { layer.Put(publish("house/x")) })
	})
}

// throughout sends b.N messages, at most 500 ahead of those that are done, and waits for all.
func throughout(b *testing.B, done *atomic.Int64, send func(n int)) {
	await := func(least int) {
		for done.Load() < int64(least) {
			time.Sleep(20 * time.Microsecond)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		await(n - 500)
		send(n)
	}
	await(b.N)
}
