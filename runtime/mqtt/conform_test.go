package mqtt_test

import (
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

func mosquitto(t testing.TB) conform.SessionBroker {
	m := kit.Mosquitto(t)
	return conform.SessionBroker{URL: m.URL(), Kill: m.Kill, Freeze: m.Freeze}
}

func mochi(t testing.TB) conform.SessionBroker {
	return conform.SessionBroker{URL: kit.Mochi(t, true).URL()}
}

func TestMosquitto5(t *testing.T) {
	t.Parallel()
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT5, GrantedQoS: 2, Copies: 2, Stores: true, KeepsIDs: true,
	}, mosquitto, driver)
}

func TestMosquitto311(t *testing.T) {
	t.Parallel()
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT311, GrantedQoS: 2, Copies: 1, Stores: true, KeepsIDs: true,
	}, mosquitto, driver)
}

func TestMochi5(t *testing.T) {
	t.Parallel()
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT5, Refused: kit.Denied + "/#", GrantedQoS: 2, Copies: 1,
		AddsExpiry: true, TellsTakenOver: true,
	}, mochi, driver)
}

func TestMochi311(t *testing.T) {
	t.Parallel()
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT311, Refused: kit.Denied + "/#", GrantedQoS: 2, Copies: 1,
	}, mochi, driver)
}

// Brokers that speak 3.1.1 alone.

func TestClosing311(t *testing.T) {
	t.Parallel()
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT311, Refused: kit.Denied + "/#", GrantedQoS: 2, Copies: 1,
	}, func(t testing.TB) conform.SessionBroker {
		return conform.SessionBroker{URL: kit.Closing(t).URL()}
	}, driver)
}

func TestRabbitMQ311(t *testing.T) {
	t.Parallel()
	broker := conform.SessionBroker{URL: kit.RabbitMQ(t).URL()}
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT311, GrantedQoS: 1, Copies: 2, Stores: true, ReplaysExactOnly: true,
	}, func(testing.TB) conform.SessionBroker { return broker }, driver)
}

// TestPort: the real one does what the actors' tests expect of theirs.
func TestPort(t *testing.T) {
	t.Parallel()
	conform.SessionPortSuite(t, func(t *testing.T) conform.SessionPort {
		broker := kit.Mochi(t, true)
		client := func(id string) actors.MQTT {
			return driver(conform.SessionClient{ID: id, Server: broker.URL(), KeepAlive: 30, Expiry: 300})
		}
		// connect has another client do something.
		connect := func(id string, do func(actors.Conn)) *conform.Sink {
			mqtt := client(id)
			sink := conform.NewSink(mqtt)
			live, err := mqtt.Dial(t.Context(), messages.MQTT5, sink)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(live.Close)
			do(live)
			return sink
		}
		sent := connect("reader", func(s actors.Conn) {
			if _, err := s.Subscribe(t.Context(), []messages.Desired{{Filter: "out/+", QoS: 1}}); err != nil {
				t.Fatal(err)
			}
		})
		return conform.SessionPort{
			MQTT: client("worker"), Denied: kit.Denied + "/x",
			Publish: func(topic, payload string, retain bool) {
				sink := connect("writer", func(s actors.Conn) {
					m := &messages.Message{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: retain}
					if err := s.Publish(t.Context(), messages.Publish{Receipt: "r", Message: m}); err != nil {
						t.Error(err)
					}
				})
				kit.Eventually(t, 30*time.Second, "the broker has it", func() bool { return len(sink.Settled()) > 0 })
				if !retain {
					return
				}
				// Mochi acknowledges before it looks who has subscribed.
				sink = connect("checker", func(s actors.Conn) {
					if _, err := s.Subscribe(t.Context(), []messages.Desired{{Filter: topic, QoS: 1, Retained: true}}); err != nil {
						t.Error(err)
					}
				})
				kit.Eventually(t, 30*time.Second, "others get it", func() bool { return sink.Count() > 0 })
			},
			Sent: func() (topics []string) {
				for _, m := range sent.Messages() {
					topics = append(topics, m.Message.Topic)
				}
				return topics
			},
			Drop: broker.Disconnect, Away: broker.Stop,
		}
	})
}
