package actors_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// walks are what a message costs that goes through all actors alone, so that nothing is
// shared with others, with the stand-ins' bookkeeping.
func walks(t *testing.T, done *atomic.Int64, send func()) kit.Cost {
	const n = 200
	return kit.CostOf(t, n, func() {
		for range n {
			before := done.Load()
			send()
			for done.Load() == before {
				time.Sleep(10 * time.Microsecond)
			}
		}
	})
}

// TestCostOfMessages bounds what a message allocates on its way through the actors.
func TestCostOfMessages(t *testing.T) {
	kit.WithoutRace(t)
	tree, layer, broker := withFilters(t, 100)
	walks(t, &tree.Stats().Settled, func() {
		broker.Send(messages.Message{Topic: "house/7/x", Payload: []byte("x"), QoS: 1})
	}).Within(t, "a message in", kit.Cost{Allocations: 28.5, Bytes: 1470})
	walks(t, &tree.Stats().Published, func() { layer.Put(publish("house/x")) }).
		Within(t, "a command out", kit.Cost{Allocations: 42.5, Bytes: 1570})
}

// TestCostOfSubscriptions bounds what a subscription holds while nothing happens.
func TestCostOfSubscriptions(t *testing.T) {
	kit.WithoutRace(t)
	const n = 5000
	tree, layer, broker := withFilters(t, 0)
	kit.HeldBy(t, n, func() {
		for i := range n {
			layer.Put(subscribe(fmt.Sprintf("house/%d/x", i), alerts))
		}
		kit.Eventually(t, time.Minute, "all are there", func() bool { return len(tree.OfKind("subscription", "")) == n })
		kit.Eventually(t, time.Minute, "all are done", func() bool {
			return layer.Waiting() == 0 && len(layer.Stored()) == n && len(broker.Filters()) >= n && tree.Health().Subscribed
		})
	}).Within(t, "a subscription", kit.Cost{Allocations: 15, Bytes: 1500})
}
