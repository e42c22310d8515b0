package e2e_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// olderCommit is the last version that kept the subscriptions of each session slot in a hash
// of its own.
const olderCommit = "1739fcc"

// An older worker and a newer one take turns, in order and by a kill. Whoever is there
// serves what was subscribed to by the other, and what was sent meanwhile comes.
func TestOlderWorker(t *testing.T) {
	t.Parallel()
	for _, sessions := range []int{1, 2} {
		t.Run(fmt.Sprint("sessions ", sessions), func(t *testing.T) {
			t.Parallel()
			redis, broker := kit.Redis(t), kit.Mosquitto(t)
			env := fmt.Sprint("MQTT_SESSIONS=", sessions)
			older := func() *kit.WorkerProcess {
				return kit.OlderWorker(t, olderCommit, layerEnv(redis, broker.URL(), env), "run")
			}
			newer := func() *kit.WorkerProcess { return run(t, redis, broker.URL(), env) }

			old := older()
			site, device, sensor := kit.NewDjango(t, redis.Addr()), kit.NewDevice(t, broker.Addr()), kit.NewSensor(t, broker.Addr())
			site.Join("flow")
			in := read(t, site)
			filters := []string{"in/a", "in/b", "in/c", "in/d"}
			subscribe := func(f string) {
				site.Send(kit.Subscribe(f, "flow", 1))
				reaches(t, device, f, in)
			}
			for _, f := range filters {
				subscribe(f)
			}
			turn := 0
			// next has what is sent come while one worker ends and the other begins.
			next := func(end func()) {
				t.Helper()
				turn++
				text := fmt.Sprintf("turn-%d-", turn)
				for i, f := range filters {
					if i == len(filters)/2 {
						end()
					}
					sensor.Send(f, 1, text+f)
				}
				for _, f := range filters {
					kit.Eventually(t, 40*time.Second, text+f+" comes", func() bool { return strings.Contains(strings.Join(in.all(), " "), text+f) })
				}
			}

			young := newer()
			logs(t, young, "standing by")
			next(old.Stop)
			subscribe("in/e")
			filters = append(filters[1:], "in/e")
			site.Send(messages.Map{{Key: "type", Value: "mqtt.unsubscribe"}, {Key: "topic", Value: "in/a"}, {Key: "group", Value: "flow"}})

			old = older()
			logs(t, old, "standing by")
			next(young.Stop)
			subscribe("in/f")
			filters = append(filters, "in/f")

			young = newer()
			logs(t, young, "standing by")
			next(old.Kill)

			old = older()
			logs(t, old, "standing by")
			next(young.Kill)
			old.Stop()
		})
	}
}

// layerEnv is the environment of a worker between a Redis and a broker.
func layerEnv(redis *kit.RedisServer, broker *url.URL, env ...string) []string {
	return append(env, "LOG_FORMAT=text", "MQTT_HOST="+broker.String(), fmt.Sprintf(
		`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [%q], "capacity": 10000}}}`, redis.URL()))
}
