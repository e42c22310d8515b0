package mqtt_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// TestWill: it is published when the connection breaks, and not after Close,
// whatever is on its way then.
func TestWill(t *testing.T) {
	t.Parallel()
	for _, v := range []messages.Version{messages.MQTT5, messages.MQTT311} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			broker := kit.Mosquitto(t)
			proxy := kit.NewProxy(t, broker.Addr())
			watcher, seen := connect(t, v, config(broker.URL(), func(c *mqtt.Config) { c.ClientID = named("watcher") }))
			if _, err := watcher.Subscribe(t.Context(), []messages.Desired{{Filter: "will", QoS: 1}}); err != nil {
				t.Fatal(err)
			}
			c := config(proxy.URL(), func(c *mqtt.Config) {
				c.Will = &mqtt.Will{Topic: "will", Payload: []byte("gone"), QoS: 1}
			})
			for range 10 {
				closeInAStream(t, v, c)
			}
			_, sink := connect(t, v, c)
			proxy.CutAfter(0)
			kit.Eventually(t, 20*time.Second, "the connection is lost", func() bool {
				return len(sink.Losses()) > 0
			})
			kit.Eventually(t, 20*time.Second, "the will is published", func() bool { return seen.Count() > 0 })
			if n := seen.Count(); n != 1 {
				t.Errorf("the will was published %d times", n)
			}
		})
	}
}

// closeInAStream connects, sends itself messages and closes.
func closeInAStream(t *testing.T, v messages.Version, c mqtt.Config) {
	t.Helper()
	s, sink := connect(t, v, c)
	if _, err := s.Subscribe(t.Context(), []messages.Desired{{Filter: "own", QoS: 2}}); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		m := &messages.Message{Topic: "own", Payload: make([]byte, 100), QoS: byte(i % 3)}
		if err := s.Publish(t.Context(), messages.Publish{Message: m}); err != nil {
			t.Fatal(err)
		}
	}
	kit.Eventually(t, 10*time.Second, "messages flow", func() bool { return sink.Count() > 50 })
	start := time.Now()
	s.Close()
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("closing took %v", took)
	}
}

// TestCloseWhileReceiving: what arrives while a Conn closes is told by the
// next one.
func TestCloseWhileReceiving(t *testing.T) {
	t.Parallel()
	for _, v := range []messages.Version{messages.MQTT5, messages.MQTT311} {
		for qos := byte(1); qos <= 2; qos++ {
			t.Run(fmt.Sprintf("%s/qos%d", v, qos), func(t *testing.T) {
				t.Parallel()
				closeWhileReceiving(t, v, qos)
			})
		}
	}
}

func closeWhileReceiving(t *testing.T, v messages.Version, qos byte) {
	t.Helper()
	d := mqtt.NewDialer(config(kit.Mosquitto(t).URL()))
	sink := conform.NewSink(port{d})
	dial := func() *mqtt.Conn {
		s, err := d.Dial(t.Context(), v, sink)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := dial()
	if _, err := s.Subscribe(t.Context(), []messages.Desired{{Filter: "a", QoS: qos}}); err != nil {
		t.Fatal(err)
	}
	broker := s.Info().Broker
	if got := s.Info().ClientID; got != "client" {
		t.Errorf("the client id is %q", got)
	}
	s.Close()
	want := store(t, v, broker, qos, 3000)
	for deadline := time.Now().Add(30 * time.Second); sink.Count() < len(want) && time.Now().Before(deadline); {
		enough := min(sink.Count()+100, len(want))
		s := dial()
		for sink.Count() < enough && time.Now().Before(deadline) {
			time.Sleep(100 * time.Microsecond)
		}
		s.Close()
	}
	got := sink.Payloads()
	if qos == 1 { // of which an acknowledgement may have been lost
		seen := map[string]bool{}
		got = slices.DeleteFunc(got, func(p string) bool { again := seen[p]; seen[p] = true; return again })
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d messages came for %d, or out of order", len(got), len(want))
	}
}

// store has the broker hold messages for the client "client".
func store(t *testing.T, v messages.Version, broker string, qos byte, n int) (payloads []string) {
	t.Helper()
	server, err := url.Parse(broker)
	if err != nil {
		t.Fatal(err)
	}
	from, told := connect(t, v, config(server, func(c *mqtt.Config) { c.ClientID = named("from") }))
	for i := range n {
		payloads = append(payloads, fmt.Sprint(i))
		p := messages.Publish{
			Receipt: messages.Receipt(payloads[i]),
			Message: &messages.Message{Topic: "a", Payload: []byte(payloads[i]), QoS: qos},
		}
		if err := from.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	kit.Eventually(t, 20*time.Second, "the broker has all", func() bool { return len(told.Settled()) == len(payloads) })
	return payloads
}

// TestHostile: what a broker must not send ends the connection, with a word,
// and nothing else.
func TestHostile(t *testing.T) {
	t.Parallel()
	const connack = "\x20\x03\x00\x00\x00"
	for name, packets := range map[string]string{
		"PUBLISH of QoS 3":           connack + "\x36\x06\x00\x01a\x00\x01\x00",
		"AUTH":                       connack + "\xf0\x00",
		"CONNECT":                    connack + "\x10\x00",
		"second CONNACK":             connack + connack,
		"authentication not agreed":  "\x20\x09\x00\x00\x06\x15\x00\x03abc" + "\xf0\x00",
		"length of five bytes":       connack + "\x30\xff\xff\xff\xff\x01",
		"PUBLISH that ends too soon": connack + "\x30\x03\x00\x05a",
		"identifier without a value": connack + "\x30\x05\x00\x01a\x01\x0b" + "\x30\x02\x00\x05",
		"SUBACK without codes":       connack + "\x90\x02\x00\x01" + "\x90\x00",
		"DISCONNECT":                 connack + "\xe0\x01\x8b",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, sink := connect(t, messages.MQTT5, config(talking(t, packets)))
			kit.Eventually(t, 10*time.Second, "the loss is told", func() bool { return len(sink.Losses()) > 0 })
			if losses := sink.Losses(); len(losses) != 1 {
				t.Errorf("it was told %v", losses)
			}
		})
	}
}

// talking answers a CONNECT with packets and stays.
func talking(t *testing.T, packets string) *url.URL {
	t.Helper()
	return scripted(t, []byte(packets), true, false)
}
