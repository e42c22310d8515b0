package mqtt_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// careless is a broker that sends what it likes, whatever the client has asked for.
type careless struct {
	t        *testing.T
	listener net.Listener
	conn     net.Conn
	answers  *bufio.Reader
}

func newCareless(t *testing.T) *careless {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &careless{t: t, listener: l}
}

func (c *careless) url() *url.URL { return &url.URL{Scheme: "mqtt", Host: c.listener.Addr().String()} }

// accept answers the CONNECT of the next client, and says what it was.
func (c *careless) accept(v messages.Version, present byte) (connect []byte) {
	c.t.Helper()
	var err error
	if c.conn, err = c.listener.Accept(); err != nil {
		c.t.Fatal(err)
	}
	conn := c.conn
	c.t.Cleanup(func() { conn.Close() })
	_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
	c.answers = bufio.NewReader(c.conn)
	connect = c.packet()
	connack := []byte{0x20, 2, present, 0}
	if v == messages.MQTT5 {
		connack = []byte{0x20, 3, present, 0, 0}
	}
	c.send(connack)
	return connect
}

// packet reads one short packet.
func (c *careless) packet() []byte {
	c.t.Helper()
	b := make([]byte, 2, 200)
	if _, err := io.ReadFull(c.answers, b); err != nil {
		c.t.Fatal(err)
	}
	b = b[:2+int(b[1])]
	if _, err := io.ReadFull(c.answers, b[2:]); err != nil {
		c.t.Fatal(err)
	}
	return b
}

func (c *careless) send(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// publish sends a message of that size, piece by piece.
func (c *careless) publish(v messages.Version, topic string, id byte, flags byte, size int) {
	c.t.Helper()
	head := append([]byte{0, byte(len(topic))}, topic...)
	if flags&6 != 0 {
		head = append(head, 0, id)
	}
	if v == messages.MQTT5 {
		head = append(head, 0)
	}
	packet := []byte{0x30 | flags}
	for n := len(head) + size; ; n >>= 7 {
		if n < 0x80 {
			packet = append(packet, byte(n))
			break
		}
		packet = append(packet, byte(n)|0x80)
	}
	c.send(append(packet, head...))
	for piece := bytes.Repeat([]byte("x"), 1<<16); size > 0; size -= len(piece) {
		c.send(piece[:min(size, len(piece))])
	}
}

func (c *careless) expect(want ...byte) {
	c.t.Helper()
	if got := c.packet(); !bytes.Equal(got, want) {
		c.t.Fatalf("the client sent %x, want %x", got, want)
	}
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

// TestOversized: a message that is too large is acknowledged in its turn, not held, and
// not delivered. One that the broker repeats is counted once.
func TestOversized(t *testing.T) { // not parallel, since it measures memory
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			broker, log, refused := newCareless(t), &lines{}, &mqtt.Skipped{}
			d := mqtt.NewDialer(config(broker.url(), func(c *mqtt.Config) {
				c.Skipped, c.Logger, c.MaximumPacket = refused, slog.New(slog.NewTextHandler(log, nil)), 1<<20
			}))
			sink := conform.NewSink(port{d})
			dial := func(present byte) *mqtt.Conn {
				connected := make(chan *mqtt.Conn)
				go func() {
					s, err := d.Dial(t.Context(), v, sink)
					if err != nil {
						t.Error(err)
					}
					connected <- s
				}()
				connect := broker.accept(v, present)
				if maximum := []byte{0x27, 0, 0x10, 0, 0}; v == messages.MQTT5 && !bytes.Contains(connect, maximum) {
					t.Errorf("CONNECT %x has no maximum packet size", connect)
				}
				return <-connected
			}
			lost := dial(0)
			broker.publish(v, "small", 1, 2, 10)
			broker.expect(0x40, 2, 0, 1)
			before := allocated()
			broker.publish(v, "large", 2, 2, 100<<20)
			broker.publish(v, "large", 3, 4, 2<<20)
			broker.publish(v, "large", 0, 0, 2<<20)
			broker.publish(v, "small", 4, 4, 10)
			broker.expect(0x40, 2, 0, 2)
			broker.expect(0x50, 2, 0, 3)
			broker.expect(0x50, 2, 0, 4)
			if n := allocated() - before; n > 8<<20 {
				t.Errorf("%d bytes were allocated for what is not held", n)
			}
			lost.Close()
			s := dial(1)
			defer s.Close()
			broker.publish(v, "large", 3, 4|8, 2<<20)
			broker.expect(0x50, 2, 0, 3)
			broker.send([]byte{0x62, 2, 0, 3})
			broker.expect(0x70, 2, 0, 3)
			broker.publish(v, "larger", 3, 2, 2<<20)
			broker.expect(0x40, 2, 0, 3)
			if got := len(sink.Messages()); got != 2 {
				t.Errorf("%d messages were delivered, want the two small ones", got)
			}
			if n := refused.Oversized.Load(); n != 4 {
				t.Errorf("%d were counted, want 4", n)
			}
			if log.count("MQTT_MAX_PACKET") != 2 || log.count("topic=larger ") != 1 {
				t.Errorf("logged\n%s", log.text.String())
			}
			if losses := sink.Losses(); len(losses) > 0 {
				t.Errorf("the connection was lost: %v", losses)
			}
		})
	}
}

func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

// TestOversizedElsewhere: MQTT 5 brokers keep to the maximum; under 3.1.1 it is skipped.
func TestOversizedElsewhere(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]*url.URL{"mosquitto": kit.Mosquitto(t).URL(), "mochi": kit.Mochi(t, true).URL()} {
		for _, v := range versions {
			t.Run(fmt.Sprint(name, " ", v), func(t *testing.T) {
				t.Parallel()
				refused := &mqtt.Skipped{}
				from, told := connect(t, v, config(server, func(c *mqtt.Config) { c.ClientID = named("from" + v.String()) }))
				to, got := connect(t, v, config(server, func(c *mqtt.Config) {
					c.ClientID, c.MaximumPacket, c.Skipped = named("to"+v.String()), 1<<20, refused
				}))
				topic := "a/" + v.String()
				if _, err := to.Subscribe(t.Context(), []messages.Desired{{Filter: topic, QoS: 2}}); err != nil {
					t.Fatal(err)
				}
				for i, size := range []int{10, 1<<20 - 64, 3 << 20, 3 << 20, 3 << 20, 11} {
					m := &messages.Message{Topic: topic, QoS: byte(i % 3), Payload: make([]byte, size)}
					if err := from.Publish(t.Context(), messages.Publish{Receipt: messages.Receipt(fmt.Sprint(i)), Message: m}); err != nil {
						t.Fatal(err)
					}
				}
				kit.Eventually(t, 30*time.Second, "all are published", func() bool { return len(told.Settled()) == 6 })
				kit.Eventually(t, 30*time.Second, "the last one comes", func() bool { return len(got.Messages()) == 3 })
				want := int64(3)
				if v == messages.MQTT5 {
					want = 0
				}
				kit.Eventually(t, 30*time.Second, "what was skipped is counted", func() bool { return refused.Oversized.Load() == want })
				if losses := slices.Concat(got.Losses(), told.Losses()); len(losses) > 0 {
					t.Errorf("a connection was lost: %v", losses)
				}
			})
		}
	}
}

// TestLargeControlPacket: a packet of another kind that nobody would send is not read.
func TestLargeControlPacket(t *testing.T) {
	t.Parallel()
	for v, connack := range map[messages.Version]string{messages.MQTT5: "\x20\x03\x00\x00\x00", messages.MQTT311: "\x20\x02\x00\x00"} {
		_, sink := connect(t, v, config(talking(t, connack+"\x90\xff\xff\xff\x7f\x00\x01")))
		kit.Eventually(t, 30*time.Second, "the loss is told", func() bool { return len(sink.Losses()) > 0 })
		if err := sink.Losses()[0]; !strings.Contains(err.Error(), "type 9 with 268435460 bytes") {
			t.Errorf("MQTT %s: %v", v, err)
		}
	}
}
