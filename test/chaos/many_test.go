package chaos_test

import (
	"fmt"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/chaos"
	"chanmqttproxy/test/kit"
)

// One subscription more costs as much where there are a hundred thousand as where there are
// none: Redis sends each worker what has changed, and nobody reads all.
func TestOneOfManySubscriptions(t *testing.T) {
	long(t)
	t.Parallel()
	many := size(10_000, 100_000)
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	env := []string{"LOG_FORMAT=text", "REDIS_URL=" + redis.URL(), "MQTT_HOST=" + broker.Addr(), "MQTT_SESSIONS=3", "MQTT_MAX_SUBSCRIPTIONS=1000000"}
	workers := []*kit.WorkerProcess{kit.PlainWorker(t, env, "run"), kit.PlainWorker(t, env, "run")}
	site := kit.NewConsumer(t, redis.Addr(), "many")
	some := func(name string, n int) {
		commands := make([]messages.Map, n)
		for i := range commands {
			commands[i] = kit.Subscribe(fmt.Sprint(name, "/", i, "/+"), "many", 1)
		}
		site.Ask(5*time.Minute, commands...)
	}
	some("first", 100) // connects
	chaos.Rest(t, redis)
	few := chaos.CostOf(t, redis, workers, func() { some("few", 200) })
	began := time.Now()
	for i := range 10 {
		some(fmt.Sprint("fill/", i), many/10)
	}
	chaos.Rest(t, redis)
	t.Logf("%d subscriptions took %v", many, time.Since(began).Round(time.Millisecond))
	lots := chaos.CostOf(t, redis, workers, func() { some("lots", 200) })
	t.Logf("200 subscribes with few others: %v; with %d: %v", few, many, lots)
	const slack = 500_000 // bytes: what Redis is asked for anyway in that time
	if lots.Sent > 2*few.Sent+slack {
		t.Errorf("Redis sent %d bytes for 200 subscribes, and %d with %d others", few.Sent, lots.Sent, many)
	}
	if spent := lots.Redis - few.Redis; spent > time.Second {
		t.Errorf("Redis worked for %v for 200 subscribes, and for %v with %d others", few.Redis, lots.Redis, many)
	}
	if spent := lots.Workers - few.Workers; spent > 2*time.Second {
		t.Errorf("the workers worked for %v for 200 subscribes, and for %v with %d others", few.Workers, lots.Workers, many)
	}
	for _, w := range workers {
		w.Stop()
	}
}
