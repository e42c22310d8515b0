package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

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
			const own = "chanmqttproxy:asgi:mqtt:"
			fields := func(key string) int64 { return plain.HLen(t.Context(), own+key).Val() }
			if sessions > 1 { // each has a head and its state, and both together a state of each filter
				kit.Eventually(t, 30*time.Second, "the slots have said what they have", func() bool {
					return fields("status")+fields("status$slot:1") == int64(4+len(filters))
				})
			}
			// kept is what the worker keeps: the values of keys, the number of fields.
			kept := func() string {
				said := plain.Get(t.Context(), own+"client-id").Val()
				for _, key := range []string{"registry", "status", "status$slot:1"} {
					said += fmt.Sprintf(", %d", fields(key))
				}
				return fmt.Sprintf("%s, %d sessions", said, plain.SCard(t.Context(), own+"sessions").Val())
			}
			want := kept()
			told := plain.Subscribe(t.Context(), own+"changes")
			defer told.Close()
			if _, err := told.Receive(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, lose := range []func(){
				func() { plain.FlushAll(t.Context()) },
				func() { plain.Del(t.Context(), own+"registry") },
			} {
				lose()
				if n := shown(t, told.Channel()); n < len(filters) {
					t.Errorf("the registry is shown after %d changes: whoever reads it then misses subscriptions", n)
				}
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

// shown waits until readers hear of the registry, and returns how many changes it has had.
func shown(t *testing.T, told <-chan *goredis.Message) (changes int) {
	t.Helper()
	for limit := time.After(40 * time.Second); ; {
		select {
		case m := <-told:
			var table, life string
			if _, err := fmt.Sscan(m.Payload, &table, &life, &changes); err == nil && table == "registry" {
				return changes
			}
		case <-limit:
			t.Fatal("nobody hears of the registry")
		}
	}
}
