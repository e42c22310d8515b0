package chaos_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/chaos"
	"chanmqttproxy/test/kit"
)

// clientID is what the worker is called at the broker, whatever Redis knows.
const clientID = "chaos-worker"

// small is a worker with one process of a site and one device; the test says
// who subscribes to what.
type small struct {
	t      *testing.T
	redis  *kit.RedisServer
	broker *kit.MosquittoServer
	worker *chaos.Worker
	site   *kit.Django
	device *kit.Device

	mu        sync.Mutex
	topics    map[string][]string // payloads by topic
	published int
}

func newSmall(t *testing.T) *small {
	t.Helper()
	s := &small{t: t, redis: kit.Redis(t), broker: kit.Mosquitto(t), topics: map[string][]string{}}
	s.worker = chaos.NewWorker(t, []string{
		"LOG_FORMAT=text", "REDIS_URL=" + s.redis.URL(), "MQTT_HOST=" + s.broker.Addr(), "MQTT_CLIENT_ID=" + clientID,
	})
	s.site, s.device = kit.NewDjango(t, s.redis.Addr()), kit.NewDevice(t, s.broker.Addr())
	s.site.Join("small")
	ctx, cancel := context.WithCancel(context.Background())
	var reader sync.WaitGroup
	reader.Go(func() {
		for ctx.Err() == nil {
			s.read()
		}
	})
	t.Cleanup(func() {
		cancel()
		reader.Wait()
	})
	return s
}

func (s *small) read() {
	for _, m := range s.site.Read(50 * time.Millisecond) {
		event := kit.Event(s.t, m)
		topic, _ := event.Get("topic")
		text, _ := event.Get("payload")
		s.mu.Lock()
		s.topics[fmt.Sprint(topic)] = append(s.topics[fmt.Sprint(topic)], fmt.Sprint(text))
		s.mu.Unlock()
	}
}

func (s *small) subscribe(filter string) {
	s.t.Helper()
	s.site.Send(kit.Subscribe(filter, "small", 1))
}

// publish has the device publish something new and returns what, when the
// broker has it.
func (s *small) publish(topic string) string {
	s.t.Helper()
	s.published++
	text := fmt.Sprint("word ", s.published)
	if !s.device.Publish(topic, 1, text).WaitTimeout(20 * time.Second) {
		s.t.Fatalf("publishing to %s: no acknowledgement in 20 s", topic)
	}
	return text
}

func (s *small) heard(topic, text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.topics[topic], text)
}

// comes waits for a message that was published.
func (s *small) comes(topic, text string) {
	s.t.Helper()
	kit.Eventually(s.t, 20*time.Second, text+" comes on "+topic, func() bool { return s.heard(topic, text) })
}

// works publishes until something comes through.
func (s *small) works(topic string) {
	s.t.Helper()
	var sent []string
	kit.Eventually(s.t, 20*time.Second, "messages come on "+topic, func() bool {
		sent = append(sent, s.publish(topic))
		time.Sleep(20 * time.Millisecond)
		return slices.ContainsFunc(sent, func(text string) bool { return s.heard(topic, text) })
	})
}

// silent checks that a topic has brought nothing at all.
func (s *small) silent(topic string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := s.topics[topic]; len(got) > 0 {
		s.t.Errorf("on %s, which nobody asked for, came %v", topic, got)
	}
}

// ends stops the worker, which must not have got anything that nobody wanted.
func (s *small) ends() {
	s.t.Helper()
	s.worker.Stop()
	if n := s.worker.Total("unmatched"); n > 0 {
		s.t.Errorf("the broker sent %d messages that nobody had asked for", n)
	}
}

// Subscriptions survive the worker; those that were given up do not come back.
func TestSubscriptionsSurviveTheWorker(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	s.subscribe("kept/#")
	s.subscribe("left/#")
	s.works("kept/a")
	s.works("left/a")
	s.site.Send(messages.Map{{Key: "type", Value: "mqtt.unsubscribe"}, {Key: "topic", Value: "left/#"}, {Key: "group", Value: "small"}})
	kit.Eventually(t, 20*time.Second, "the site has left", func() bool {
		left, kept := s.publish("left/b"), s.publish("kept/b")
		s.comes("kept/b", kept)
		return !s.heard("left/b", left)
	})
	for range size(2, 10) {
		s.worker.Kill()
		meanwhile := s.publish("kept/c")
		s.publish("left/c")
		s.worker.Start()
		s.comes("kept/c", meanwhile)
		s.comes("kept/c", s.publish("kept/c"))
		s.silent("left/c")
	}
	s.ends()
}

// A Redis that has lost everything under a running worker gets the
// subscriptions back from it, also for the worker's next life.
func TestRedisLosesItsDataUnderTheWorker(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	s.subscribe("kept/#")
	s.works("kept/a")
	s.lose()
	s.site.Join("small") // as a site does whose consumers connect again
	s.works("kept/b")
	redis := s.redis.Client()
	kit.Eventually(t, 20*time.Second, "the subscription is stored again", func() bool {
		return redis.HExists(context.Background(), "chanmqttproxy:asgi:mqtt:registry", `["group","small","kept/#"]`).Val()
	})
	s.worker.Kill()
	s.worker.Start()
	s.comes("kept/c", s.publish("kept/c"))
	s.ends()
}

// lose empties Redis and restarts it.
func (s *small) lose() {
	s.t.Helper()
	if err := s.redis.Client().FlushAll(context.Background()).Err(); err != nil {
		s.t.Fatal(err)
	}
	s.redis.Restart()
}

// A worker that finds Redis empty wants nothing of what the broker remembers
// for it.
func TestRedisLosesItsDataWithoutTheWorker(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	s.subscribe("old/#")
	s.works("old/a")
	s.worker.Kill()
	s.lose()
	s.publish("old/b")
	s.site.Join("small")
	s.worker.Start()
	s.subscribe("new/#")
	s.works("new/a")
	s.publish("old/b")
	s.comes("new/a", s.publish("new/a"))
	s.silent("old/b")
	s.ends()
}

// A session in which somebody else has subscribed to something, such as one
// restored from an old backup of the broker, brings nothing that nobody wants.
func TestSessionRemembersOtherFilters(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	s.subscribe("kept/#")
	s.works("kept/a")
	s.worker.Kill()
	s.meddle("foreign/#")
	s.publish("foreign/a")
	meanwhile := s.publish("kept/b")
	s.worker.Start()
	s.comes("kept/b", meanwhile)
	s.publish("foreign/a")
	s.comes("kept/b", s.publish("kept/b"))
	s.silent("foreign/a")
	s.worker.Stop()
}

// meddle subscribes in the worker's own session at the broker.
func (s *small) meddle(filter string) {
	s.t.Helper()
	client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + s.broker.Addr()).
		SetClientID(clientID).SetCleanSession(false).SetAutoReconnect(false).SetAutoAckDisabled(true))
	defer client.Disconnect(100)
	for _, step := range []func() paho.Token{client.Connect, func() paho.Token { return client.Subscribe(filter, 1, nil) }} {
		if token := step(); !token.WaitTimeout(20*time.Second) || token.Error() != nil {
			s.t.Fatalf("meddling with the worker's session: %v", token.Error())
		}
	}
}
