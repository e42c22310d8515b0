package mqtt_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// memory is where sessions are remembered.
type memory struct {
	known              map[string]bool
	lookups            int
	lookingUp, storing error
}

func (m *memory) KnownSession(_ context.Context, id string) (bool, error) {
	m.lookups++
	return m.known[id], m.lookingUp
}

func (m *memory) RememberSession(_ context.Context, id string) error {
	if m.storing == nil {
		m.known[id] = true
	}
	return m.storing
}

func newMemory() *memory { return &memory{known: map[string]bool{}} }

// foreign stores a session with a filter and queued messages under the client
// id "client", and returns a session that can publish.
func foreign(t *testing.T, v messages.Version, c mqtt.Config) *mqtt.Conn {
	t.Helper()
	from, told := connect(t, v, with(c, func(c *mqtt.Config) { c.ClientID = named("from") }))
	stranger, _ := connect(t, v, c)
	if _, err := stranger.Subscribe(t.Context(), []messages.Desired{{Filter: "stray", QoS: 1}}); err != nil {
		t.Fatal(err)
	}
	stranger.Close()
	publishOne(t, from, told, "queued")
	return from
}

func with(c mqtt.Config, change func(*mqtt.Config)) mqtt.Config {
	change(&c)
	return c
}

// publishOne returns when the broker has it.
func publishOne(t *testing.T, s *mqtt.Conn, told *conform.Sink, payload string) {
	t.Helper()
	settled := len(told.Settled())
	m := &messages.Message{Topic: "stray", Payload: []byte(payload), QoS: 1}
	if err := s.Publish(t.Context(), messages.Publish{Receipt: messages.Receipt(payload), Message: m}); err != nil {
		t.Fatal(err)
	}
	kit.Eventually(t, 10*time.Second, "the broker has the message", func() bool { return len(told.Settled()) > settled })
}

// TestUnknownSession: what a session that nobody remembers holds at the broker
// is not delivered, and one that is remembered goes on.
func TestUnknownSession(t *testing.T) {
	t.Parallel()
	for _, v := range []messages.Version{messages.MQTT5, messages.MQTT311} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			broker := kit.Mosquitto(t)
			foreign(t, v, config(broker.URL()))
			c := config(broker.URL(), func(c *mqtt.Config) { c.Sessions = newMemory() })

			s, sink := connect(t, v, c)
			if s.Info().Present {
				t.Error("the foreign session is there")
			}
			publishOne(t, s, sink, "live") // would come back by the foreign filter
			if _, err := s.Subscribe(t.Context(), []messages.Desired{{Filter: "stray", QoS: 1}}); err != nil {
				t.Fatal(err)
			}
			publishOne(t, s, sink, "wanted")
			kit.Eventually(t, 10*time.Second, "the wanted message arrives", func() bool { return sink.Count() > 0 })
			if got := sink.Payloads(); len(got) != 1 || got[0] != "wanted" {
				t.Errorf("received %q", got)
			}
			s.Close()

			// Another process knows the session by the marker.
			if s, _ = connect(t, v, c); !s.Info().Present {
				t.Error("a session that is remembered was dropped")
			}
		})
	}
}

// TestSessionAskedOnce: reconnecting needs no Redis, and clean sessions none at
// all.
func TestSessionAskedOnce(t *testing.T) {
	t.Parallel()
	broker := kit.Mosquitto(t)
	for expiry, want := range map[uint32]int{300: 1, 0: 0} {
		m := newMemory()
		d := mqtt.NewDialer(config(broker.URL(), func(c *mqtt.Config) { c.Sessions, c.SessionExpiry = m, expiry }))
		for range 3 {
			s, err := d.Dial(t.Context(), messages.MQTT5, conform.NewSink(nil))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
		}
		if m.lookups != want {
			t.Errorf("with a session expiry of %d it was looked up %d times", expiry, m.lookups)
		}
	}
}

// TestSessionsFail: without an answer nothing is connected.
func TestSessionsFail(t *testing.T) {
	t.Parallel()
	broker := kit.Mosquitto(t)
	away := errors.New("redis is away")
	for _, m := range []*memory{{lookingUp: away}, {storing: away}} {
		f := refusal(t, messages.MQTT5, config(broker.URL(), func(c *mqtt.Config) { c.Sessions = m }))
		if !errors.Is(f, away) || f.Cause != messages.Network {
			t.Errorf("%v", f)
		}
	}
}
