package mqtt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/kit"
)

// TestDisconnectReasons: why a broker ends the connection is said in words.
func TestDisconnectReasons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		disconnect string
		cause      messages.Cause
		code       byte
		words      string
	}{
		{"\xe0\x00", messages.BrokerRefused, 0, "the broker ended the connection"},
		{"\xe0\x01\x82", messages.BrokerRefused, 0x82, "protocol error"},
		{"\xe0\x01\x87", messages.BadCredentials, 0x87, "not authorized"},
		{"\xe0\x02\x8b\x00", messages.BrokerRefused, 0x8b, "server shutting down"},
		{"\xe0\x01\x8d", messages.BrokerRefused, 0x8d, "keep alive timeout"},
		{"\xe0\x01\x8e", messages.TakenOver, 0x8e, "another client with the same id"},
		{"\xe0\x01\x97", messages.BrokerRefused, 0x97, "quota exceeded"},
		{"\xe0\x0c\x98\x0a\x1f\x00\x07evicted", messages.BrokerRefused, 0x98, "administrative action (evicted)"},
		{"\xe0\x01\xff", messages.BrokerRefused, 0xff, "reason code 0xff"},
	} {
		t.Run(c.words, func(t *testing.T) {
			t.Parallel()
			_, sink := connect(t, messages.MQTT5, config(talking(t, "\x20\x03\x00\x00\x00"+c.disconnect)))
			kit.Eventually(t, 10*time.Second, "the loss is told", func() bool { return len(sink.Losses()) > 0 })
			var f *messages.ConnectionFailure
			if err := sink.Losses()[0]; !errors.As(err, &f) || f.Cause != c.cause || f.Code != c.code || !strings.Contains(err.Error(), c.words) {
				t.Errorf("told %v, want %q, code 0x%02x and %q", err, c.cause, c.code, c.words)
			}
		})
	}
}

// TestServerKeepAlive: the broker's interval counts, not ours [MQTT-3.2.2-21].
func TestServerKeepAlive(t *testing.T) {
	t.Parallel()
	s, sink := connect(t, messages.MQTT5, config(talking(t, "\x20\x06\x00\x00\x03\x13\x00\x01")))
	if got := s.Info().KeepAlive; got != 1 {
		t.Errorf("the keep-alive is %d s, want that of the broker", got)
	}
	kit.Eventually(t, 10*time.Second, "the silence is noticed", func() bool { return len(sink.Losses()) > 0 })
}

// TestServerReceiveMaximum: no more is in flight than the broker takes, which
// would else end the connection [MQTT-3.3.4-9].
func TestServerReceiveMaximum(t *testing.T) {
	t.Parallel()
	broker := kit.Mosquitto(t, "max_inflight_messages 3")
	s, sink := connect(t, messages.MQTT5, config(broker.URL()))
	const n = 500
	for i := range n {
		p := messages.Publish{
			Receipt: messages.Receipt(fmt.Sprint(i)), Message: &messages.Message{Topic: "a", QoS: byte(1 + i%2)},
			More: i < n-1, // an answer is awaited all the same, and what it is to answer sent
		}
		if err := s.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	kit.Eventually(t, 20*time.Second, "all are settled", func() bool { return len(sink.Settled()) == n })
	if losses := sink.Losses(); len(losses) != 0 {
		t.Errorf("the connection was lost: %v", losses)
	}
}

// TestLargestPacket: what no packet can hold is refused (MQTT section 2.1.4).
func TestLargestPacket(t *testing.T) {
	t.Parallel()
	broker := kit.Mosquitto(t)
	for _, v := range versions {
		s, sink := connect(t, v, config(broker.URL()))
		m := &messages.Message{Topic: "a", Payload: make([]byte, 268_435_455), QoS: 1}
		if err := s.Publish(t.Context(), messages.Publish{Receipt: "r", Message: m}); err != nil {
			t.Fatal(err)
		}
		if got := sink.Settled(); len(got) != 1 || got[0].Code != 0x95 || got[0].Reason != "packet too large" {
			t.Errorf("MQTT %s: answered %+v", v, got)
		}
		s.Close()
	}
}

// TestWillRefused: a broker that cannot keep our will says so in its CONNACK.
func TestWillRefused(t *testing.T) {
	t.Parallel()
	broker := kit.Mosquitto(t, "retain_available false", "max_qos 1")
	for code, will := range map[byte]mqtt.Will{0x9a: {Topic: "w", Retain: true}, 0x9b: {Topic: "w", QoS: 2}} {
		f := refusal(t, messages.MQTT5, config(broker.URL(), func(c *mqtt.Config) { c.Will = &will }))
		if f.Cause != messages.BrokerRefused || f.Code != code || !strings.Contains(f.Error(), "not supported") {
			t.Errorf("a will that is not supported: %v", f)
		}
	}
}

// TestPublishRefused: each publish has the reason of its own answer.
func TestPublishRefused(t *testing.T) {
	t.Parallel()
	const denied = kit.Denied + "/x"
	s, sink := connect(t, messages.MQTT5, config(kit.Mochi(t, true).URL()))
	for i, topic := range []string{"a", denied, "b", denied} {
		p := messages.Publish{Receipt: messages.Receipt(rune('a' + i)), Message: &messages.Message{Topic: topic, QoS: byte(1 + i/2)}}
		if err := s.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	kit.Eventually(t, 10*time.Second, "all are settled", func() bool { return len(sink.Settled()) == 4 })
	for _, p := range sink.Settled() {
		refused := p.Receipt == "b" || p.Receipt == "d"
		if refused != (p.Code >= 0x80) || refused != (p.Reason != "") {
			t.Errorf("%q was answered 0x%02x %q", p.Receipt, p.Code, p.Reason)
		}
	}
}
