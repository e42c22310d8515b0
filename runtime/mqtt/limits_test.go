package mqtt_test

import (
	"chanmqttproxy/test/conform"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/kit"
)

// TestRefusedUnsent: what the broker cannot take is refused, and the connection
// lives on.
func TestRefusedUnsent(t *testing.T) {
	t.Parallel()
	m := kit.Mosquitto(t, "max_packet_size 2000", "retain_available false", "max_qos 1")
	s, sink := connect(t, messages.MQTT5, config(m.URL()))
	long := strings.Repeat("x", 70_000)
	cases := []struct {
		message messages.Message
		code    byte
	}{
		{messages.Message{Topic: "a", Payload: make([]byte, 3000), QoS: 1}, 0x95},
		{messages.Message{Topic: "a", Payload: make([]byte, 3000)}, 0x95},
		{messages.Message{Topic: "a", QoS: 2}, 0x9b},
		{messages.Message{Topic: "a", QoS: 7}, 0x9b},
		{messages.Message{Topic: "a", Retain: true}, 0x9a},
		{messages.Message{Topic: "a/+"}, 0x90},
		{messages.Message{Topic: ""}, 0x90},
		{messages.Message{Topic: long}, 0x90},
		{messages.Message{Topic: "a", Properties: &messages.Properties{ContentType: long}}, 0x95},
		{messages.Message{Topic: "a", QoS: 1}, 0},
	}
	for i, c := range cases {
		if err := s.Publish(t.Context(), messages.Publish{Receipt: messages.Receipt(rune('a' + i)), Message: &c.message}); err != nil {
			t.Fatal(err)
		}
		kit.Eventually(t, 10*time.Second, "the receipt is reported", func() bool { return len(sink.Settled()) == i+1 })
		got := sink.Settled()[i]
		if (c.code >= 0x80 || got.Code >= 0x80) && got.Code != c.code {
			t.Errorf("message %d was answered 0x%02x %s, want 0x%02x", i, got.Code, got.Reason, c.code)
		}
		if got.Unsent != (c.code != 0) {
			t.Errorf("message %d: unsent is %v", i, got.Unsent)
		}
		if got.Code >= 0x80 && got.Reason == "" {
			t.Errorf("message %d was refused without a reason", i)
		}
	}
	if losses := sink.Losses(); len(losses) != 0 {
		t.Errorf("the connection was lost: %v", losses)
	}
}

// TestDefaultQoS: a QoS that nobody asked for is lowered to what the broker takes.
func TestDefaultQoS(t *testing.T) {
	t.Parallel()
	for maximum, broker := range []*kit.MosquittoServer{kit.Mosquitto(t, "max_qos 0"), kit.Mosquitto(t, "max_qos 1"), kit.Mosquitto(t)} {
		s, sink := connect(t, messages.MQTT5, config(broker.URL()))
		m := &messages.Message{Topic: "a", QoS: 2, DefaultQoS: true}
		if err := s.Publish(t.Context(), messages.Publish{Receipt: "r", Message: m}); err != nil {
			t.Fatal(err)
		}
		kit.Eventually(t, 30*time.Second, "the receipt is reported", func() bool { return len(sink.Settled()) == 1 })
		if got := sink.Settled()[0]; got.Code >= 0x80 || got.QoS != byte(maximum) || m.QoS != 2 {
			t.Errorf("with a maximum QoS of %d: %+v, and QoS %d in the message", maximum, got, m.QoS)
		}
	}
}

// TestManyLongFilters: a batch never exceeds the broker's maximum packet.
func TestManyLongFilters(t *testing.T) {
	t.Parallel()
	m := kit.Mosquitto(t, "max_packet_size 2000")
	s, _ := connect(t, messages.MQTT5, config(m.URL()))
	var filters []messages.Desired
	for i := range 100 {
		filters = append(filters, messages.Desired{Filter: strings.Repeat("x", 300) + fmt.Sprint(i)})
	}
	filters = append(filters, messages.Desired{Filter: strings.Repeat("x", 3000)})
	codes, err := s.Subscribe(t.Context(), filters)
	if err != nil {
		t.Fatal(err)
	}
	for i, code := range codes {
		if i == 100 && code != 0x95 || i < 100 && code != 0 {
			t.Errorf("filter %d was answered 0x%02x", i, code)
		}
	}
}

// TestDeadProcess: packet ids that a dead process left half way at the broker
// do not swallow new messages.
func TestDeadProcess(t *testing.T) {
	t.Parallel()
	for _, v := range []messages.Version{messages.MQTT311, messages.MQTT5} {
		m := kit.Mosquitto(t)
		c := config(m.URL())
		s, _ := connect(t, v, c)
		s.Close() // the session is stored now
		leaveHalfWay(t, v, m.Addr())

		to, got := connect(t, v, config(m.URL(), func(c *mqtt.Config) { c.ClientID = named("to") }))
		if _, err := to.Subscribe(t.Context(), []messages.Desired{{Filter: "a", QoS: 2}}); err != nil {
			t.Fatal(err)
		}
		s, sink := connect(t, v, c)
		if !s.Info().Present {
			t.Fatal("the broker has no session")
		}
		const n = 60 // more than the receive maximum that mosquitto sets by default
		for i := range n {
			p := messages.Publish{Receipt: messages.Receipt(rune('a' + i)), Message: &messages.Message{Topic: "a", Payload: []byte{byte(i)}, QoS: 2}}
			if err := s.Publish(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		kit.Eventually(t, 10*time.Second, "all receipts are reported", func() bool { return len(sink.Settled()) == n })
		fresh := func() (count int) {
			for _, p := range got.Payloads() {
				if len(p) == 1 {
					count++
				}
			}
			return count
		}
		kit.Eventually(t, 10*time.Second, "all new messages arrive", func() bool { return fresh() == n })
	}
}

// TestNotPublishedAgain: what the caller gives up after a loss keeps no packet ids,
// and swallows no new messages.
func TestNotPublishedAgain(t *testing.T) {
	t.Parallel()
	const n = 1024 // all packet ids
	for _, v := range []messages.Version{messages.MQTT311, messages.MQTT5} {
		m := kit.Mosquitto(t, "max_inflight_messages 0")
		proxy := kit.NewProxy(t, m.Addr())
		sink := conform.NewSink(nil)
		d := mqtt.NewDialer(config(proxy.URL()))
		publish := func(s *mqtt.Conn, name string) {
			for i := range n {
				p := messages.Publish{Receipt: messages.Receipt(fmt.Sprint(name, i)), Message: &messages.Message{Topic: "a", Payload: []byte(name), QoS: 2}}
				if err := s.Publish(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			}
		}
		lost, err := d.Dial(t.Context(), v, sink)
		if err != nil {
			t.Fatal(err)
		}
		proxy.Hold()
		publish(lost, "withdrawn")
		proxy.Cut()
		kit.Eventually(t, 10*time.Second, "the loss is told", func() bool { return len(sink.Losses()) == 1 })
		lost.Close()
		proxy.Release()
		leaveHalfWay(t, v, m.Addr()) // as if some had arrived

		to, got := connect(t, v, config(m.URL(), func(c *mqtt.Config) { c.ClientID = named("to") }))
		if _, err := to.Subscribe(t.Context(), []messages.Desired{{Filter: "a", QoS: 2}}); err != nil {
			t.Fatal(err)
		}
		s, err := d.Dial(t.Context(), v, sink)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		publish(s, "new")
		fresh := func() (count int) {
			for _, p := range got.Payloads() {
				if p == "new" {
					count++
				}
			}
			return count
		}
		kit.Eventually(t, 10*time.Second, "all new messages arrive", func() bool { return fresh() == n && len(sink.Settled()) == n })
	}
}

// leaveHalfWay publishes with QoS 2 as the client "client" and dies before it
// could release.
func leaveHalfWay(t *testing.T, v messages.Version, addr string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	properties := ""
	connect := "\x00\x04MQTT" + string([]byte{byte(v)}) + "\x00\x00\x3c"
	if v == messages.MQTT5 {
		properties = "\x00"
		connect += "\x05\x11\x00\x00\x01\x2c"
	}
	connect += "\x00\x06client"
	packets := "\x10" + string([]byte{byte(len(connect))}) + connect
	for id := byte(1); id <= 10; id++ {
		publish := "\x00\x01a\x00" + string([]byte{id}) + properties + "old"
		packets += "\x34" + string([]byte{byte(len(publish))}) + publish
	}
	if _, err := c.Write([]byte(packets)); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for received := 0; received < 4+4*10; { // CONNACK and ten PUBRECs
		n, err := c.Read(make([]byte, 1024))
		if err != nil {
			t.Fatal(err)
		}
		received += n
	}
}
