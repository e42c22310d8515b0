package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// A site whose consumer is in a group, and busy while the group's messages and the
// worker's come: what they are is printed when it reads on. Then it only reads.
const clockSite = `
import asyncio, sys
import redis.asyncio
from channels_redis.core import RedisChannelLayer

async def main():
    layer = RedisChannelLayer(hosts=[sys.argv[1]])
    name = await layer.new_channel()
    key = "asgi" + name[:name.index("!") + 1]
    await layer.group_add("house", name)
    for _ in range(2):
        await layer.send("mqtt", {"type": "mqtt.subscribe", "topic": "house/+", "group": "house", "reply_channel": name})
        print((await layer.receive(name))["type"])
    for n in range(4):
        await layer.group_send("house", {"type": "own", "n": n})
    print("busy")
    async with redis.asyncio.from_url(sys.argv[1]) as client:
        for _ in range(300):
            if await client.zcard(key) in (0, 5): break
            await asyncio.sleep(0.1)
        waited = await client.zcard(key)
    print("got " + " ".join([(await layer.receive(name))["type"] for _ in range(waited)]) + " and no more")
    while True:
        print("then", (await layer.receive(name))["message"]["payload"])

asyncio.run(main())
`

// siteAt starts the site with a clock that is off.
func siteAt(t *testing.T, off, redis string) *kit.Process {
	t.Helper()
	faketime, err := exec.LookPath("faketime")
	if err != nil {
		kit.Missing(t, "no faketime: run test/run, which installs it (%v)", err)
	}
	c := exec.Command(faketime, "-f", off, kit.SitePython(t), "-u", "-c", clockSite, redis)
	c.Env = append(os.Environ(), "FAKETIME_DONT_FAKE_MONOTONIC=1")
	return kit.Start(t, "site", c)
}

func prints(t *testing.T, p *kit.Process, text string) {
	t.Helper()
	kit.Eventually(t, time.Minute, "the site prints "+text, func() bool { return strings.Contains(p.Output(), text) })
}

// TestClocksThatDiffer: which side is off by how much is told, and no message of the site
// and no membership is removed by the worker as expired that is so by the site's clock
// alone. A worker that is started later knows it before it hears of the site.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ off, told, skew string }{
		{"-2h", `the site's clock is 2h0m\ds behind those of Redis and of the worker`, `-720\d`},
		{"-2d", `the site's clock is 48h0m\ds behind those of Redis and of the worker`, `-17280\d`},
		{"+2h", `the site's clock is (2h0m0|1h59m5\d)s ahead of those of Redis and of the worker`, `7(20|19\d)`},
	} {
		t.Run(test.off, func(t *testing.T) {
			t.Parallel()
			redis, broker := kit.Redis(t), kit.Mosquitto(t)
			http := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
			environ := []string{"REDIS_URL=" + redis.URL(), "MQTT_HOST=" + broker.Addr(), "HTTP_LISTEN=" + http, "LOG_FORMAT=text"}
			worker := kit.Worker(t, environ, "run")
			logs(t, worker, "connected to the MQTT broker")
			site := siteAt(t, test.off, redis.URL())
			prints(t, site, "busy")
			device := kit.NewDevice(t, broker.Addr())
			device.Publish("house/door", 1, "first").Wait()
			prints(t, site, "and no more")
			if !strings.Contains(site.Output(), "got own own own own mqtt.message and no more") && !strings.Contains(site.Output(), "got mqtt.message own own own own and no more") {
				t.Errorf("messages are missing:\n%s", site.Output())
			}
			told := regexp.MustCompile(test.told)
			kit.Eventually(t, 30*time.Second, "the worker tells it", func() bool { return told.MatchString(worker.Output()) })
			if n := strings.Count(worker.Output(), "clocks differ"); n != 1 {
				t.Errorf("it is told %d times", n)
			}
			if ready := asked(t, http, "/readyz"); !strings.Contains(ready, `"ready":true`) || !told.MatchString(ready) {
				t.Errorf("/readyz: %s", ready)
			}
			if !regexp.MustCompile(`chanmqttproxy_clock_skew_seconds{of="site"} ` + test.skew).MatchString(asked(t, http, "/metrics")) {
				t.Error("the metric is another")
			}
			worker.Stop()

			again := kit.Worker(t, environ, "run")
			logs(t, again, "connected to the MQTT broker")
			device.Publish("house/door", 1, "second").Wait()
			prints(t, site, "then second")
			kit.Eventually(t, 30*time.Second, "a worker that was told says so in /readyz", func() bool { return told.MatchString(asked(t, http, "/readyz")) })
			again.Stop()
			check := exec.Command(kit.Binary(t), "check", "--connect")
			check.Env = append(os.Environ(), environ...)
			if said, err := check.CombinedOutput(); err != nil || !told.Match(said) {
				t.Errorf("check: %v\n%s", err, said)
			}
		})
	}
}

// asked is what the worker answers at a path.
func asked(t *testing.T, address, path string) string {
	t.Helper()
	answer, err := http.Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
