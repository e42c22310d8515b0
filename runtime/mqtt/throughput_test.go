package mqtt_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/kit"
)

// counter is a Sink that counts, acknowledges, and says when all has come.
type counter struct {
	dialer              *mqtt.Dialer
	received, published atomic.Int64
	want                int64
	done                chan struct{}
}

func (c *counter) Received(seq uint64, _ []uint32, _ *messages.Message) bool {
	c.dialer.Ack(seq)
	c.count(&c.received)
	return true
}

func (c *counter) Published(messages.Published) { c.count(&c.published) }

func (c *counter) count(n *atomic.Int64) {
	if n.Add(1) == c.want {
		close(c.done)
	}
}

func (*counter) Lost(error) {}

// BenchmarkThroughput: messages of 100 bytes through mosquitto, to where they
// are settled.
func BenchmarkThroughput(b *testing.B) {
	for _, v := range []messages.Version{messages.MQTT5, messages.MQTT311} {
		for qos := byte(0); qos <= 2; qos++ {
			b.Run(fmt.Sprintf("out/%s/qos%d", v, qos), func(b *testing.B) { outward(b, v, qos) })
			b.Run(fmt.Sprintf("in/%s/qos%d", v, qos), func(b *testing.B) { inward(b, v, qos) })
		}
	}
}

func benchmarkSession(b *testing.B, v messages.Version, broker *kit.MosquittoServer, id string) (*mqtt.Conn, *counter) {
	b.Helper()
	d := mqtt.NewDialer(config(broker.URL(), func(c *mqtt.Config) { c.ClientID = named(id) }))
	sink := &counter{dialer: d, want: int64(b.N), done: make(chan struct{})}
	s, err := d.Dial(b.Context(), v, sink)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	return s, sink
}

func publishAll(b *testing.B, s *mqtt.Conn, qos byte) {
	b.Helper()
	payload := make([]byte, 100)
	for i := range b.N {
		err := s.Publish(b.Context(), messages.Publish{
			Receipt: messages.Receipt(fmt.Sprint(i)),
			Message: &messages.Message{Topic: "house/kitchen/temperature", Payload: payload, QoS: qos},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func outward(b *testing.B, v messages.Version, qos byte) {
	s, sink := benchmarkSession(b, v, kit.Mosquitto(b), "from")
	b.ReportAllocs()
	b.ResetTimer()
	publishAll(b, s, qos)
	<-sink.done
}

// inward receives what mosquitto has stored for it, or at QoS 0 what is
// published meanwhile by a session of MQTT 3.1.1.
func inward(b *testing.B, v messages.Version, qos byte) {
	broker := kit.Mosquitto(b, "max_queued_bytes 0")
	from, told := benchmarkSession(b, messages.MQTT311, broker, "from")
	to, sink := benchmarkSession(b, v, broker, "to")
	if _, err := to.Subscribe(b.Context(), []messages.Desired{{Filter: "#", QoS: qos}}); err != nil {
		b.Fatal(err)
	}
	if qos > 0 {
		to.Close()
		publishAll(b, from, qos)
		<-told.done
	}
	b.ReportAllocs()
	b.ResetTimer()
	if qos > 0 {
		if _, err := sink.dialer.Dial(b.Context(), v, sink); err != nil {
			b.Fatal(err)
		}
	} else {
		publishAll(b, from, 0)
	}
	<-sink.done
}
