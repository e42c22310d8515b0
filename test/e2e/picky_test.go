package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// A broker that hangs up on a filter that the user may not read: its sender is told, the
// log names it once, and everybody else goes on, also after a restart.
func TestForbiddenFilterOnRabbitMQ(t *testing.T) {
	t.Parallel()
	rabbit := kit.RabbitMQ(t, kit.RabbitMQReader(t, "site", "word", `^ok\.`))
	redis := kit.Redis(t)
	listen := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	env := []string{"MQTT_USER=site", "MQTT_PASSWORD=word", "MQTT_VERSION=311", "HTTP_LISTEN=" + listen}
	s := &deployment{redis: redis, broker: rabbit.Addr(), worker: run(t, redis, rabbit.URL(), env...)}
	c := s.testCase(t)
	c.subscribes("ok/1")
	began := time.Now()
	c.fails(kit.Subscribe("secret/x", c.topic, 1), "refused")
	c.echoes("ok/1", "after")
	t.Logf("the sender was told, and others went on, after %v", time.Since(began))
	if took := time.Since(began); took > 40*time.Second {
		t.Errorf("the others went on after %v", took)
	}
	c.subscribes("ok/2")
	named(t, s.worker, "secret/x")

	s.worker.Stop()
	s.worker = run(t, redis, rabbit.URL(), env...)
	ready(t, listen, 1)
	c.echoes("ok/1", "restarted")
	if strings.Contains(s.worker.Output(), "closed the connection") || strings.Count(s.worker.Output(), "connected to the MQTT broker") != 1 {
		t.Error("what was refused before was asked for with the others")
	}
	c.fails(kit.Subscribe("secret/x", c.topic, 1), "refused")
	c.echoes("ok/2", "again")
	s.worker.Stop()
}

// A broker that closes the connection on more than eight filters in one SUBSCRIBE, or
// never answers such a one: all are subscribed to, also after a reconnect.
func TestLimitOfOneSubscribe(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]kit.Passage{"closes": kit.HangUp, "is silent": kit.Swallow} {
		for _, version := range []string{"50", "311"} {
			t.Run(name+" "+version, func(t *testing.T) {
				t.Parallel()
				redis := kit.Redis(t)
				var longest, rejected atomic.Int64
				gate := kit.NewGate(t, kit.Mosquitto(t).Addr(), func(filters []string) kit.Passage {
					longest.Store(max(longest.Load(), int64(len(filters))))
					if len(filters) > 8 {
						rejected.Add(1)
						return how
					}
					return kit.Pass
				})
				listen := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
				s := &deployment{redis: redis, worker: run(t, redis, gate.URL(), "MQTT_VERSION="+version, "HTTP_LISTEN="+listen)}
				c := s.testCase(t)
				for i := range 30 {
					c.subscribes(fmt.Sprint("many/", i))
				}
				for i := range 3 { // the first reconnect finds the limit out
					before := rejected.Load()
					gate.Cut()
					kit.Eventually(t, 30*time.Second, "connected again", func() bool { return strings.Count(s.worker.Output(), "connected to the MQTT broker") > i+1 })
					ready(t, listen, 0)
					c.echoes("many/29", fmt.Sprint("echo ", i))
					if i > 0 && rejected.Load() > before {
						t.Errorf("%d were too long though the limit was known", rejected.Load()-before)
					}
				}
				if longest.Load() != 30 {
					t.Errorf("the longest had %d filters", longest.Load())
				}
				s.worker.Stop()
			})
		}
	}
}

// A SUBSCRIBE that is never answered costs nobody else anything: the connection stays.
func TestFilterThatIsNeverAnswered(t *testing.T) {
	t.Parallel()
	redis := kit.Redis(t)
	gate := kit.NewGate(t, kit.Mosquitto(t).Addr(), func(filters []string) kit.Passage {
		if slices.Contains(filters, "mute/x") {
			return kit.Swallow
		}
		return kit.Pass
	})
	s := &deployment{redis: redis, worker: run(t, redis, gate.URL())}
	c := s.testCase(t)
	c.subscribes("ok/1")
	if answer := c.request(kit.Subscribe("mute/x", c.topic, 1)); value(answer, "type") != "mqtt.error" {
		t.Errorf("answered %v", answer)
	}
	c.subscribes("ok/2")
	c.echoes("ok/2", "still there")
	named(t, s.worker, "mute/x")
	if n := strings.Count(s.worker.Output(), "connected to the MQTT broker"); n != 1 {
		t.Errorf("%d connections", n)
	}
	s.worker.Stop()
}

// A session that takes no more: what does not fit is refused, kept, and tried again when
// others go. A killed broker has all that fitted afterwards.
func TestLimitOfTheSessionOnNats(t *testing.T) {
	t.Parallel()
	nats := kit.Nats(t)
	redis := kit.Redis(t)
	listen := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	s := &deployment{redis: redis, broker: nats.Addr(), worker: run(t, redis, nats.URL(), "HTTP_LISTEN="+listen)}
	c := s.testCase(t)
	fits := 0
	for i := range 70 {
		answer := c.request(kit.Subscribe(fmt.Sprint("n/", i), c.topic, 1))
		switch {
		case value(answer, "type") == "mqtt.subscribed":
			fits++
		case value(answer, "code") != "refused":
			t.Fatalf("answered %v", answer)
		}
	}
	if fits == 0 || fits == 70 {
		t.Fatalf("%d of 70 fit", fits)
	}
	ready(t, listen, 70-fits)
	if n := scrape(t, listen)["subscriptions_refused"]; n != float64(70-fits) {
		t.Errorf("the metrics do not say that %d are missing", 70-fits)
	}
	c.echoes("n/0", "first")

	nats.Kill()
	nats.Start()
	c.echoes("n/1", "after the kill")
	missing := func(most int) { // the server counts less than there are after a kill, and some twice that go
		t.Helper()
		kit.Eventually(t, 30*time.Second, fmt.Sprintf("at most %d are missing", most), func() bool {
			got := scrape(t, listen)
			return got["ready"] == 1 && got["subscriptions_refused"] <= float64(most)
		})
	}
	missing(70 - fits)
	c.echoes(fmt.Sprint("n/", fits-1), "the last that fitted")

	for i := range 3 {
		c.succeeds(messages.Map{pair("type", "mqtt.unsubscribe"), pair("topic", fmt.Sprint("n/", i)), pair("group", c.topic)}, "mqtt.unsubscribed")
	}
	missing(70 - fits - 3)
	logs(t, s.worker, "accepts a subscription that it had refused")
	s.worker.Stop()
}

// The same on a broker that closes the connection.
func TestLimitOfTheSessionByHangUp(t *testing.T) {
	t.Parallel()
	redis := kit.Redis(t)
	var mu sync.Mutex
	has := map[string]bool{}
	const limit = 20
	broker := kit.Mosquitto(t)
	gate := kit.NewGate(t, broker.Addr(), func(filters []string) kit.Passage {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for _, f := range filters {
			if !has[f] {
				n++
			}
		}
		if len(has)+n > limit {
			return kit.HangUp
		}
		for _, f := range filters {
			has[f] = true
		}
		return kit.Pass
	})
	listen := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	s := &deployment{redis: redis, worker: run(t, redis, gate.URL(), "HTTP_LISTEN="+listen)}
	c := s.testCase(t)
	for i := range 30 {
		c.django.Send(kit.Subscribe(fmt.Sprint("n/", i), c.topic, 1))
	}
	ready(t, listen, 10)
	c.echoes("n/0", "first")
	broker.Kill()
	mu.Lock()
	clear(has)
	mu.Unlock()
	broker.Start()
	c.echoes("n/1", "after the kill")
	ready(t, listen, 10)
	s.worker.Stop()
}

// echoes waits until what the site publishes comes back to it by a subscription.
func (s *testCase) echoes(topic, payload string) {
	s.t.Helper()
	s.await("an echo of "+payload, func() bool {
		s.django.Send(kit.Publish(topic, payload, 1))
		time.Sleep(100 * time.Millisecond)
		return slices.Contains(s.events(), topic+"="+payload)
	})
}

// ready waits until the worker is, and says that the broker refuses so many filters.
func ready(t *testing.T, address string, refused int) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var last any
	defer func() {
		if t.Failed() {
			t.Logf("/readyz said %v", last)
		}
	}()
	kit.Eventually(t, 30*time.Second, fmt.Sprintf("ready, with %d refused", refused), func() bool {
		answer, err := client.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		var said struct {
			Reasons []string
			Refused int `json:"subscriptions_refused"`
		}
		err = json.NewDecoder(answer.Body).Decode(&said)
		last = said
		return err == nil && answer.StatusCode == http.StatusOK && said.Refused == refused
	})
}

// named wants a filter in the log, once.
func named(t *testing.T, w *kit.WorkerProcess, filter string) {
	t.Helper()
	logs(t, w, "filter="+filter)
	if n := strings.Count(w.Output(), "filter="+filter); n != 1 {
		t.Errorf("the log names %s %d times", filter, n)
	}
}
