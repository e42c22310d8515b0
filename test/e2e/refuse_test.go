package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/test/kit"
)

// Redis is there and refuses. The worker says why once, in words that help, not that
// Redis is away; and it goes on by itself when Redis does.
func TestRedisRefuses(t *testing.T) {
	t.Parallel()
	set := func(name, value string) func(*testing.T, *redis.Client) {
		return func(t *testing.T, c *redis.Client) {
			if err := c.ConfigSet(t.Context(), name, value).Err(); err != nil {
				t.Error(err)
			}
		}
	}
	for name, c := range map[string]struct {
		args         []string // of the server
		refuse, mend func(*testing.T, *redis.Client)
		want         string
		times        int // how often it is said
	}{
		"out of memory": {nil, set("maxmemory", "1"), set("maxmemory", "0"), "has reached maxmemory", 1},
		"no disk": {[]string{"--save", "3600 1000000", "--enable-protected-configs", "yes"}, func(t *testing.T, c *redis.Client) {
			set("dbfilename", strings.Repeat("x", 300))(t, c) // no file has so long a name
			c.BgSave(t.Context())
		}, set("stop-writes-on-bgsave-error", "no"), "cannot save to its disk", 1},
		"replica": {nil, func(t *testing.T, c *redis.Client) { c.ReplicaOf(t.Context(), "127.0.0.1", "1") },
			func(t *testing.T, c *redis.Client) { c.ReplicaOf(t.Context(), "no", "one") }, "this Redis is a replica", 1},
		"wrong type": {nil, func(t *testing.T, c *redis.Client) { c.Set(t.Context(), "asgimqtt", "x", 0) },
			func(t *testing.T, c *redis.Client) { c.Del(t.Context(), "asgimqtt") }, "holds something of another type", 1},
		"no TIME": {[]string{"--rename-command", "TIME", ""}, nil, nil, "doing=time", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, broker := kit.Redis(t, c.args...), kit.Mosquitto(t)
			admin := server.Client()
			worker := run(t, server, broker.URL())
			if c.refuse != nil {
				logs(t, worker, "connected to the MQTT broker")
				c.refuse(t, admin)
			}
			logs(t, worker, c.want)
			time.Sleep(2 * time.Second) // in which it would be said again
			out := worker.Output()
			if strings.Contains(out, "EXECABORT") || strings.Contains(out, "Redis is unreachable") {
				t.Errorf("it says\n%s", out)
			}
			if n := strings.Count(out, "component=layer error=") + strings.Count(out, "component=layer host="); n != c.times {
				t.Errorf("said %d times:\n%s", n, out)
			}
			if c.mend == nil {
				worker.Stop()
				return
			}
			c.mend(t, admin)
			site, device := kit.NewDjango(t, server.Addr()), kit.NewDevice(t, broker.Addr())
			device.Listen("out/#", 1)
			site.Send(kit.Publish("out/a", "m", 1))
			kit.Eventually(t, 30*time.Second, "it goes on", func() bool { return len(device.Heard()) > 0 })
			worker.Stop()
		})
	}
}

// Redis takes no more connections: that is said, not that a pipe is broken.
func TestRedisTakesNoMoreClients(t *testing.T) {
	t.Parallel()
	server, broker := kit.Redis(t), kit.Mosquitto(t)
	admin := server.Client()
	if err := admin.ConfigSet(t.Context(), "maxclients", "1").Err(); err != nil {
		t.Fatal(err)
	}
	worker := run(t, server, broker.URL())
	logs(t, worker, "takes no more connections")
	if out := worker.Output(); strings.Contains(out, "broken pipe") {
		t.Errorf("it says\n%s", out)
	}
	if err := admin.ConfigSet(t.Context(), "maxclients", "100").Err(); err != nil {
		t.Fatal(err)
	}
	logs(t, worker, "reading commands from Redis")
	worker.Stop()
}
