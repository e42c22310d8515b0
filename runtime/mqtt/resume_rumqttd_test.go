package mqtt_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// TestResumeOnRumqttd: rumqttd hangs up on a PUBREL whose packet id it does not know, and
// forgets the PUBACKs before it. What it has queued comes once all the same, whoever
// resumes the session.
func TestResumeOnRumqttd(t *testing.T) {
	t.Parallel()
	broker := kit.Rumqttd(t)
	for _, v := range []messages.Version{messages.MQTT5, messages.MQTT311} {
		server := broker.URL()
		if v == messages.MQTT311 {
			server = broker.URL311()
		}
		s, _ := connect(t, v, config(server, func(c *mqtt.Config) { c.ClientID = named("resume" + v.String()) }))
		if _, err := s.Subscribe(t.Context(), []messages.Desired{{Filter: "resume" + v.String(), QoS: 1}}); err != nil {
			t.Fatal(err)
		}
		s.Close()
		want := storeAt(t, v, config(server), "resume"+v.String(), 20)
		var got []string
		for range 4 {
			d := mqtt.NewDialer(config(server, func(c *mqtt.Config) { c.ClientID = named("resume" + v.String()) }))
			sink := conform.NewSink(port{d})
			s, err := d.Dial(t.Context(), v, sink)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(500 * time.Millisecond)
			s.Close()
			if losses := sink.Losses(); len(losses) > 0 {
				t.Errorf("MQTT %s: the connection was lost: %v", v, losses)
			}
			got = append(got, sink.Payloads()...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("MQTT %s: %d messages came for %d: %q", v, len(got), len(want), got)
		}
	}
}

// storeAt publishes to a topic at QoS 1.
func storeAt(t *testing.T, v messages.Version, c mqtt.Config, topic string, n int) (payloads []string) {
	t.Helper()
	from, told := connect(t, v, with(c, func(c *mqtt.Config) { c.ClientID = named("from" + topic) }))
	for i := range n {
		payloads = append(payloads, fmt.Sprint(i))
		p := messages.Publish{
			Receipt: messages.Receipt(payloads[i]),
			Message: &messages.Message{Topic: topic, Payload: []byte(payloads[i]), QoS: 1},
		}
		if err := from.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	kit.Eventually(t, 20*time.Second, "the broker has all", func() bool { return len(told.Settled()) == n })
	return payloads
}
