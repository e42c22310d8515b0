package mqtt_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// TestArtemisCopies: Artemis sends a copy for each filter that matches and names all of
// them in each; each message is received once and in order.
func TestArtemisCopies(t *testing.T) {
	t.Parallel()
	broker := kit.Artemis(t)
	s, sink := connect(t, messages.MQTT5, config(broker.URL()))
	filters := []messages.Desired{
		{Filter: "t/#", QoS: 1, Overlaps: true}, {Filter: "t/+", QoS: 1, Overlaps: true}, {Filter: "+/a", QoS: 1, Overlaps: true},
	}
	if _, err := s.Subscribe(t.Context(), filters); err != nil {
		t.Fatal(err)
	}
	var want []string
	send := func(n int, qos func(i int) int, payload func(i int) string) {
		for i := range n {
			want = append(want, payload(i))
			p := messages.Publish{
				Receipt: messages.Receipt(fmt.Sprint(len(want))),
				Message: &messages.Message{Topic: "t/a", Payload: []byte(payload(i)), QoS: byte(qos(i))},
			}
			if err := s.Publish(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		kit.Eventually(t, 30*time.Second, "all messages come", func() bool { return sink.Count() >= len(want) })
	}
	one, both := func(int) int { return 1 }, func(i int) int { return i % 2 }
	send(1, one, func(int) string { return "first" })
	send(500, both, func(i int) string { return fmt.Sprint(i) })
	const repeated = 50
	send(repeated, one, func(i int) string { return fmt.Sprint("same ", i/10) })
	time.Sleep(time.Second) // further copies would come
	got := sink.Payloads()
	if n := len(want) - repeated; len(got) != len(want) || !slices.Equal(got[:n], want[:n]) {
		t.Errorf("%d messages came for %d, or out of order: %q", len(got), len(want), got)
	}
	slices.Sort(got[len(want)-repeated:]) // which of two equal ones a copy is of can't be told
	if !slices.Equal(got, want) {
		t.Errorf("equal messages came too often or not often enough: %q", got)
	}
}
