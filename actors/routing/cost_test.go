package routing_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"chanmqttproxy/actors/routing"
	"chanmqttproxy/actors/stats"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// TestCostOfRoutes bounds what the table holds for a filter with one subscriber that has had a
// message.
func TestCostOfRoutes(t *testing.T) {
	const n = 10_000
	table := routing.NewTable(routing.NewPairs(&stats.Stats{}, n))
	kit.HeldBy(t, n, func() {
		for i := range n {
			var e routing.Effects
			filter := fmt.Sprintf("house/%d/x", i)
			c := messages.SubscribeCommand{Filter: filter, Targets: []messages.Target{{Kind: messages.Group, Name: "alerts"}}}
			table.Subscribe(&e, c, time.Now())
			table.Match(delivery(filter, nil))
		}
	}).Within(t, "a filter", kit.Cost{Allocations: 10, Bytes: 440})
	runtime.KeepAlive(table)
}
