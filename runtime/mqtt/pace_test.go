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

var versions = []messages.Version{messages.MQTT5, messages.MQTT311}

// TestBoundedReading: of what a broker sends without regard to the receive
// maximum no more than twice that is received before something is
// acknowledged; the connection lives on, and so does the next one; then
// everything comes, in order.
func TestBoundedReading(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			const receiveMaximum, keepAlive, waiting = 100, 2, 20_000
			broker := kit.Mosquitto(t)
			proxy := kit.NewProxy(t, broker.Addr())
			d := mqtt.NewDialer(config(proxy.URL(), func(c *mqtt.Config) {
				c.ReceiveMaximum, c.KeepAlive = receiveMaximum, keepAlive
			}))
			sink := conform.NewSink(nil)
			s := dial(t, d, v, sink)
			if _, err := s.Subscribe(t.Context(), []messages.Desired{{Filter: "a", QoS: 1}}); err != nil {
				t.Fatal(err)
			}
			s.Close()
			want := store(t, v, broker.URL().String(), 1, waiting)

			s = dial(t, d, v, sink)
			kit.Eventually(t, 20*time.Second, "messages arrive", func() bool { return sink.Count() >= receiveMaximum })
			err := s.Publish(t.Context(), messages.Publish{Receipt: "r", Message: &messages.Message{Topic: "b", QoS: 1}})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * keepAlive * time.Second / 2) // nothing happens
			checkBounded(t, sink, 2*receiveMaximum)
			if losses := sink.Losses(); len(losses) != 0 {
				t.Fatalf("the connection was lost: %v", losses)
			}

			start := time.Now()
			proxy.Cut()
			kit.Eventually(t, 20*time.Second, "the loss is told", func() bool { return len(sink.Losses()) == 1 })
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("a lost connection was noticed after %v with a keep-alive of %d s", took, keepAlive)
			}
			s = dial(t, d, v, sink)
			checkBounded(t, sink, 2*receiveMaximum)
			again := messages.Publish{Receipt: "again", Message: &messages.Message{Topic: "b", QoS: 1}}
			if err := s.Publish(t.Context(), again); err != nil {
				t.Fatal(err)
			}
			acknowledge(t, d, sink, waiting)
			if got := sink.Payloads(); !slices.Equal(got, want) {
				t.Errorf("%d messages came for %d, or out of order", len(got), len(want))
			}
			kit.Eventually(t, 20*time.Second, "the publish is acknowledged", func() bool {
				return slices.ContainsFunc(sink.Settled(), func(p messages.Published) bool { return p.Receipt == "again" })
			})
		})
	}
}

func dial(t *testing.T, d *mqtt.Dialer, v messages.Version, sink *conform.Sink) *mqtt.Conn {
	t.Helper()
	s, err := d.Dial(t.Context(), v, sink)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func checkBounded(t *testing.T, sink *conform.Sink, bound int) {
	t.Helper()
	if n := sink.Count(); n > bound {
		t.Fatalf("%d messages were received, none was acknowledged, and the bound is %d", n, bound)
	}
}

// acknowledge acknowledges what comes until n have come.
func acknowledge(t *testing.T, d *mqtt.Dialer, sink *conform.Sink, n int) {
	t.Helper()
	acked := 0
	kit.Eventually(t, time.Minute, fmt.Sprintf("%d messages come", n), func() bool {
		for _, r := range sink.Messages()[acked:] {
			d.Ack(r.Seq)
			acked++
		}
		return acked >= n
	})
}

// TestBoundedBytes: the same by size, with a Conn that closes while it does
// not read.
func TestBoundedBytes(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			const size, waiting = 100_000, 50
			d := mqtt.NewDialer(config(kit.Mosquitto(t).URL(), func(c *mqtt.Config) { c.ReceiveBytes = 10 * size }))
			sink := conform.NewSink(nil)
			s := dial(t, d, v, sink)
			if _, err := s.Subscribe(t.Context(), []messages.Desired{{Filter: "a", QoS: 1}}); err != nil {
				t.Fatal(err)
			}
			for range waiting {
				m := &messages.Message{Topic: "a", Payload: make([]byte, size), QoS: 1}
				if err := s.Publish(t.Context(), messages.Publish{Message: m}); err != nil {
					t.Fatal(err)
				}
			}
			kit.Eventually(t, 10*time.Second, "messages arrive", func() bool { return sink.Count() == 10 })
			start := time.Now()
			s.Close()
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("closing took %v", took)
			}
			dial(t, d, v, sink)
			checkBounded(t, sink, 10)
			acknowledge(t, d, sink, waiting)
		})
	}
}

// refuser is a Sink that takes no message.
type refuser struct{ *conform.Sink }

func (refuser) Received(uint64, []uint32, *messages.Message) bool { return false }

// TestNotTaken: what the Sink does not take does not count, so that everything
// else is read; it comes again on the next connection.
func TestNotTaken(t *testing.T) {
	t.Parallel()
	broker := kit.Mosquitto(t)
	for _, v := range versions {
		d := mqtt.NewDialer(config(broker.URL(), func(c *mqtt.Config) {
			c.ClientID, c.ReceiveMaximum = named(v.String()), 5
		}))
		sink := conform.NewSink(nil)
		s, err := d.Dial(t.Context(), v, refuser{sink})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		at := "not-taken/" + v.String()
		if _, err := s.Subscribe(t.Context(), []messages.Desired{{Filter: at, QoS: 2}}); err != nil {
			t.Fatal(err)
		}
		const n = 100
		for i := range n {
			m := &messages.Message{Topic: at, Payload: []byte(fmt.Sprint(i)), QoS: byte(1 + i%2)}
			if err := s.Publish(t.Context(), messages.Publish{Receipt: messages.Receipt(fmt.Sprint(i)), Message: m}); err != nil {
				t.Fatal(err)
			}
		}
		kit.Eventually(t, 20*time.Second, "all are published", func() bool { return len(sink.Settled()) == n })
		dial(t, d, v, sink)
		acknowledge(t, d, sink, n)
	}
}
