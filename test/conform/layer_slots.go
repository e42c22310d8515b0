package conform

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// layerSlot makes a client the reader of a session slot, the only one until then.
func layerSlot(slot int, until time.Time) func(*layer.Config) {
	return func(c *layer.Config) { c.Slot, c.Until = slot, func() time.Time { return until } }
}

// layerFromSlot drops what session slots of older workers said to each other, and nothing that
// a site can send, though it has the same content.
func layerFromSlot(t *testing.T, b *layerBench) {
	c := b.client(layerSlot(0, time.Now().Add(time.Hour)))
	body := messages.Map{{Key: "type", Value: "mqtt.unsubscribe"}, {Key: "id", Value: "slot.moving"}}
	var bodies []string
	for _, m := range []messages.Map{append(slices.Clone(body), messages.Pair{Key: "__asgi_channel__", Value: "mqtt$slot:0"}), body} {
		packed, err := kit.Pack(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(packed))
	}
	b.put(bodies...)
	list, err := c.Receive(b.context(), 2)
	if err != nil || len(list) != 1 || !reflect.DeepEqual(list[0].Body, body) {
		t.Fatalf("received %+v, %v", list, err)
	}
	if err := c.Acknowledge(b.context(), []messages.Receipt{list[0].Receipt}); err != nil {
		t.Fatal(err)
	}
	if keys := b.keys(); len(keys) != 0 {
		t.Errorf("left in redis: %q", keys)
	}
}

// layerUntil has a client do nothing when its time is over.
func layerUntil(t *testing.T, b *layerBench) {
	b.put(layerCommands(3)...)
	over := b.client(layerSlot(0, time.Now().Add(-time.Second)))
	var failure *messages.LayerFailure
	if list, err := over.Receive(b.context(), 1); !errors.As(err, &failure) || !strings.Contains(err.Error(), "LATE") {
		t.Errorf("received %v, %v", list, err)
	}
	b.join("room", "specific.a!1")
	if _, err := over.Send(b.context(), layerBatch(layerTarget("room"), layerEvents(0, 1))); !errors.As(err, &failure) {
		t.Errorf("sent: %v", err)
	}
	for _, key := range b.keys() {
		if key != "asgimqtt" && key != "asgi:group:room" {
			t.Errorf("in redis: %q", key)
		}
	}
	numbers, _ := b.take(b.client(), 3)
	b.wantNumbers(numbers, 0, 3)
}
