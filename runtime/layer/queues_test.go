package layer_test

import (
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// TestQueues: a client that has joined a group gets what is sent to it, and others
// see how full its queue is.
func TestQueues(t *testing.T) {
	t.Parallel()
	b := newHosts(t, 2, func(c *layer.Config) { c.Channel = "watcher" })
	house := messages.Target{Kind: messages.Group, Name: "house"}
	if err := b.layer.Join(t.Context(), house.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := b.core.SendMessages(t.Context(), house, messages.Map{{Key: "type", Value: "x"}}); err != nil {
		t.Fatal(err)
	}
	targets := []messages.Target{house, {Kind: messages.Group, Name: "nobody"}, {Kind: messages.Channel, Name: "watcher"}}
	want := messages.QueueInfo{Name: "watcher", Length: 1, Capacity: 100, Members: 1}
	if list, err := b.layer.Queues(t.Context(), targets); err != nil || len(list) != 1 || list[0] != want {
		t.Fatalf("%+v, %v", list, err)
	}
	kit.Eventually(t, 20*time.Second, "it comes", func() bool {
		list, err := b.layer.Receive(t.Context(), 1)
		return err == nil && len(list) == 1 && len(list[0].Body) == 1
	})
	if err := b.layer.Leave(t.Context(), house.Name); err != nil {
		t.Fatal(err)
	}
	if list, err := b.layer.Queues(t.Context(), targets[:2]); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := b.core.SendMessages(t.Context(), targets[2], messages.Map{{Key: "type", Value: "x"}}); err != nil {
		t.Fatal(err)
	}
	if err := b.layer.Discard(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err := b.layer.Queues(t.Context(), targets[2:]); err != nil || list[0].Length != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
