package layer_test

import (
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// TestCostOfCodec bounds what an event allocates that is packed, and a command that is
// decoded.
func TestCostOfCodec(t *testing.T) {
	const n = 100
	event := messages.Map{{Key: "type", Value: "mqtt.message"}, {Key: "message", Value: messages.Map{
		{Key: "topic", Value: "a/b/c"}, {Key: "payload", Value: "on"}, {Key: "qos", Value: int64(1)},
	}}}
	var buf []byte
	kit.CostOf(t, n, func() {
		for range n {
			buf, _ = layer.AppendPayload(buf[:0], samplePayload, messages.PayloadAuto)
		}
	}).Within(t, "packing a JSON payload", kit.Cost{})
	kit.CostOf(t, n, func() {
		for range n {
			buf, _ = layer.AppendMessage(buf[:0], event)
		}
	}).Within(t, "packing an event", kit.Cost{})
	packed, err := layer.AppendMessage(nil, messages.Map{{Key: "type", Value: "mqtt_publish"}, {Key: "publish", Value: messages.Map{
		{Key: "topic", Value: "a/b/c"}, {Key: "payload", Value: "on"}, {Key: "qos", Value: int64(0)}, {Key: "retain", Value: false},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	body := string(packed)
	kit.CostOf(t, n, func() {
		for range n {
			if _, err := layer.DecodeMessage(body); err != nil {
				t.Fatal(err)
			}
		}
	}).Within(t, "decoding a command", kit.Cost{Allocations: 13, Bytes: 384})
}
