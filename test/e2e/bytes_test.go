package e2e_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// While the broker is away commands wait in the worker up to a bound in bytes, the
// others in Redis. They all go out when it is back.
func TestCommandsUnderWayAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	const count, size, bound = 20, 1_000_000, 4_000_000
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	broker.Kill()
	listen := fmt.Sprint("127.0.0.1:", kit.FreePort(t))
	worker := run(t, redis, broker.URL(), "HTTP_LISTEN="+listen, fmt.Sprint("COMMAND_MEMORY=", bound))
	site := kit.NewDjango(t, redis.Addr())
	for i := range count {
		site.Send(kit.Publish("out/a", fmt.Sprintf("m%d %s", i, strings.Repeat("x", size)), 1))
	}
	kit.Eventually(t, 30*time.Second, "as many as may are under way", func() bool {
		return scrape(t, listen)["commands_in_flight_bytes"] >= bound
	})
	time.Sleep(500 * time.Millisecond) // more would be read meanwhile
	got := scrape(t, listen)
	if bytes, n := got["commands_in_flight_bytes"], got["commands_in_flight"]; bytes > bound+2*size+2000 || bytes < n*2*size {
		t.Errorf("%v commands of %v bytes are under way", n, bytes)
	}
	if left := redis.Client().ZCard(t.Context(), "asgimqtt").Val(); float64(left) != count-got["commands_in_flight"] {
		t.Errorf("%d wait in Redis while %v are under way", left, got["commands_in_flight"])
	}
	broker.Start()
	device := kit.NewDevice(t, broker.Addr())
	device.Listen("out/#", 1)
	kit.Eventually(t, 60*time.Second, "all went out", func() bool {
		got := scrape(t, listen)
		return got[`publishes_total{result="done"}`] == count && got["commands_in_flight_bytes"] == 0
	})
	worker.Stop()
}

// A link to Redis may be slow: commands that are more than passes in the time of a
// time-out are read all the same, and so is what comes behind them.
func TestSlowLinkToRedis(t *testing.T) {
	t.Parallel()
	const count, size = 100, 500_000
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	link := kit.NewProxy(t, redis.Addr())
	link.Limit(5_000_000)
	site, device := kit.NewDjango(t, redis.Addr()), kit.NewDevice(t, broker.Addr())
	device.Listen("out/#", 1)
	for i := range count {
		site.Send(kit.Publish("out/a", fmt.Sprintf("m%d %s", i, strings.Repeat("x", size)), 1))
	}
	site.Send(kit.Publish("out/a", "last", 1))
	worker := run(t, redis, broker.URL(), "CHANNEL_LAYERS=", "REDIS_URL="+(&url.URL{Scheme: "redis", Host: link.Addr()}).String())
	began := time.Now()
	kit.Eventually(t, 60*time.Second, "all went out", func() bool {
		heard := device.Heard()
		return len(heard) > 0 && heard[len(heard)-1].Payload == "last"
	})
	if heard := device.Heard(); len(heard) != count+1 {
		t.Errorf("%d of %d went out", len(heard), count+1)
	}
	t.Logf("%d bytes took %v", count*size, time.Since(began).Round(time.Millisecond))
	if out := worker.Output(); strings.Contains(out, "level=WARN") {
		t.Errorf("the worker complains:\n%s", out)
	}
	worker.Stop()
}
