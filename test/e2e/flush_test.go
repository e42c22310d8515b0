package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// Redis loses all that it holds, or a part, under a running worker. What the next worker
// has to know is there again soon: after a kill it resumes the same session, and a
// message that was sent meanwhile is not lost.
func TestFlushUnderARunningWorker(t *testing.T) {
	t.Parallel()
	for _, sessions := range []int{1, 2} {
		t.Run(fmt.Sprint("sessions ", sessions), func(t *testing.T) {
			t.Parallel()
			redis, broker := kit.Redis(t), kit.Mosquitto(t)
			plain := redis.Client()
			env := fmt.Sprint("MQTT_SESSIONS=", sessions)
			worker := run(t, redis, broker.URL(), env)
			site, device, sensor := kit.NewDjango(t, redis.Addr()), kit.NewDevice(t, broker.Addr()), kit.NewSensor(t, broker.Addr())
			site.Join("flow")
			filters := []string{"in/a", "in/b", "in/c", "in/d"}
			for _, f := range filters {
				site.Send(kit.Subscribe(f, "flow", 1))
			}
			in := read(t, site)
			for _, f := range filters {
				reaches(t, device, f, in)
			}
			// kept is what the worker keeps: the values of keys, the number of fields.
			kept := func() string {
				said := plain.Get(t.Context(), "chanmqttproxy:asgi:mqtt:client-id").Val()
				for _, key := range []string{"subscriptions", "subscriptions$slot:1"} {
					said += fmt.Sprintf(", %d", plain.HLen(t.Context(), "chanmqttproxy:asgi:mqtt:"+key).Val())
				}
				return fmt.Sprintf("%s, %d sessions", said, plain.SCard(t.Context(), "chanmqttproxy:asgi:mqtt:sessions").Val())
			}
			want := kept()
			for _, lose := range []func(){
				func() { plain.FlushAll(t.Context()) },
				func() { plain.Del(t.Context(), "chanmqttproxy:asgi:mqtt:subscriptions") },
			} {
				lose()
				kit.Eventually(t, 40*time.Second, "what is kept is there again: "+want, func() bool { return kept() == want })
			}
			site.Join("flow") // that was lost too
			for _, f := range filters {
				reaches(t, device, f, in)
			}
			worker.Kill()
			for _, f := range filters {
				sensor.Send(f, 1, "meanwhile")
			}
			worker = run(t, redis, broker.URL(), env)
			kit.Eventually(t, 40*time.Second, "what was sent meanwhile comes", func() bool {
				return strings.Count(strings.Join(in.all(), " "), "meanwhile") == len(filters)
			})
			worker.Stop()
		})
	}
}
