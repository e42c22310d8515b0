package command_test

import (
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/command"
	"chanmqttproxy/test/kit"
)

// TestCostOfPublish bounds what a publish allocates that is understood.
func TestCostOfPublish(t *testing.T) {
	const n = 100
	body := messages.Map{{Key: "type", Value: "mqtt_publish"}, {Key: "publish", Value: messages.Map{
		{Key: "topic", Value: "a/b/c"}, {Key: "payload", Value: "on"}, {Key: "qos", Value: int64(0)}, {Key: "retain", Value: false},
	}}}
	kit.CostOf(t, n, func() {
		for range n {
			if _, err := (command.Decoder{}).Decode(body); err != nil {
				t.Fatal(err)
			}
		}
	}).Within(t, "understanding a publish", kit.Cost{Allocations: 3, Bytes: 152})
}
