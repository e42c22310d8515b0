package brokers_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// The built program between a real Redis and each broker, in each MQTT version that
// the broker speaks. What a broker does not do is declared in brokers.
func TestBrokers(t *testing.T) {
	for _, b := range brokers {
		for _, version := range b.versions {
			t.Run(fmt.Sprint(b.name, "/", version), func(t *testing.T) {
				t.Parallel()
				s := newDeployment(t, b, version)
				for _, c := range cases {
					t.Run(c.name, func(t *testing.T) { c.play(s, t) })
				}
				s.worker.Stop()
			})
		}
	}
}

// TestReadme: the table in runtime/mqtt/README.md has a row for each broker.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../runtime/mqtt/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "## What brokers do")
	table, _, _ = strings.Cut(table, "\n## ")
	for _, b := range brokers {
		if !strings.Contains(table, "\n| "+b.name+" ") && !strings.Contains(table, "\n| the one in `"+b.name+"` ") {
			t.Errorf("runtime/mqtt/README.md says nothing of %s", b.name)
		}
	}
}

// cases are played one after the other, on one worker.
var cases = []struct {
	name string
	play func(s *deployment, t *testing.T)
}{
	{"subscribe", (*deployment).subscribe},
	{"messages in", (*deployment).messagesIn},
	{"messages out", (*deployment).messagesOut},
	{"topics", (*deployment).topics},
	{"retained", (*deployment).retained},
	{"overlaps", (*deployment).overlaps},
	{"in order", (*deployment).inOrder},
	{"worker killed", (*deployment).workerKilled},
	{"broker killed", (*deployment).brokerKilled},
	{"both killed", (*deployment).bothKilled},
	{"many filters", (*deployment).manyFilters},
	{"taken over", (*deployment).takenOver},
}

// deployment is a running worker between a Redis and a broker.
type deployment struct {
	features
	t       *testing.T
	version string
	broker  broker
	redis   *kit.RedisServer
	worker  *kit.WorkerProcess
	env     []string
}

func newDeployment(t *testing.T, f features, version string) *deployment {
	s := &deployment{features: f, t: t, version: version, redis: kit.Redis(t), broker: f.start(t)}
	s.env = append(slices.Clone(f.env),
		"MQTT_HOST="+s.url(version), "LOG_FORMAT=text",
		fmt.Sprintf(`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [%q], "capacity": 20000}}}`, s.redis.URL()),
	)
	if version == "3.1.1" && len(f.versions) > 1 {
		s.env = append(s.env, "MQTT_VERSION=311")
	}
	s.startWorker()
	return s
}

// startWorker starts the next worker, which outlives the case that starts it.
func (s *deployment) startWorker() { s.worker = kit.Worker(s.t, s.env, "run") }

// connected waits until the worker has all its subscriptions at the broker.
func (s *deployment) connected(t *testing.T) {
	t.Helper()
	probe := s.consumer(t, "connected")
	ask(t, probe, kit.Subscribe("connected", probe.Group, 1), "mqtt.subscribed")
}

// killWorker kills it, and waits until the broker has noticed.
func (s *deployment) killWorker() {
	s.worker.Kill()
	time.Sleep(300 * time.Millisecond)
}

// url is where the worker finds the broker.
func (s *deployment) url(version string) string {
	if r, ok := s.broker.(*kit.RumqttdServer); ok && version == "3.1.1" {
		return r.URL311().String()
	}
	return s.broker.URL().String()
}

// device is a client that is none of ours. It speaks 3.1.1 to every broker.
func (s *deployment) device(t *testing.T) *kit.Device {
	return kit.NewDevice(t, s.addr311())
}

// addr311 is where 3.1.1 is spoken.
func (s *deployment) addr311() string {
	if r, ok := s.broker.(*kit.RumqttdServer); ok {
		return r.Addr311()
	}
	return s.broker.Addr()
}

func (s *deployment) consumer(t *testing.T, group string) *kit.Consumer {
	return kit.NewConsumer(t, s.redis.Addr(), group)
}
