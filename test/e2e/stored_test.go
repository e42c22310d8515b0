package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// A worker that is killed leaves its subscriptions to the next one, and a
// broker session with them: what came meanwhile is not lost.
func TestKilledWorkerIsSucceeded(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	first := run(t, redis, broker.URL())
	f := flow(t, redis, broker)
	for range 3 {
		first.Kill()
		time.Sleep(50 * time.Millisecond) // some messages find no worker
		first = run(t, redis, broker.URL())
		f.flows(t)
	}
	f.end()
	complete(t, f)
	first.Stop()
}

// What cannot be understood is kept for a person to look at, and can be put
// back.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL())
	site := kit.NewDjango(t, redis.Addr())
	secret := "nobody should see this"
	site.Send(kit.Publish("no/+/wildcards", secret, 1))
	site.SendRaw(kit.Garbage()[3])
	kit.Eventually(t, 20*time.Second, "both are dead letters", func() bool { return strings.Count(letters(t, redis, "list"), "\n") == 3 })

	list := letters(t, redis, "list")
	if !strings.Contains(list, "mqtt.publish") || !strings.Contains(list, "no/+/wildcards") || strings.Contains(list, secret) {
		t.Errorf("the list is\n%s", list)
	}
	if got := letters(t, redis, "replay"); !strings.Contains(got, "put back: 2") {
		t.Errorf("replay said %q", got)
	}
	kit.Eventually(t, 20*time.Second, "both are dead letters again", func() bool { return strings.Count(letters(t, redis, "list"), "\n") == 3 })
	id := strings.Fields(strings.Split(letters(t, redis, "list"), "\n")[1])[0]
	if got := letters(t, redis, "drop", id); !strings.Contains(got, "dropped: 1") {
		t.Errorf("drop said %q", got)
	}
	letters(t, redis, "drop", "--all")
	if got := letters(t, redis, "list"); strings.Count(got, "\n") != 1 {
		t.Errorf("what is left is\n%s", got)
	}
	worker.Stop()
}

// Large ones fill Redis with no more than they may. Who wants one put back is told that
// this cannot be; the others are listed in pages.
func TestLargeDeadLetters(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL())
	site := kit.NewDjango(t, redis.Addr())
	large := messages.Map{{Key: "type", Value: "mqtt.nonsense"}, {Key: "id", Value: make([]byte, 3<<20)}}
	for range 20 {
		site.Send(large)
	}
	for range 60 {
		site.Send(messages.Map{{Key: "type", Value: "mqtt.trifle"}})
	}
	kit.Eventually(t, 50*time.Second, "all are dead letters", func() bool {
		return strings.Contains(letters(t, redis, "list"), "25 more of 75: --page 2")
	})
	first, second := letters(t, redis, "list"), letters(t, redis, "list", "--page", "2")
	if strings.Count(first, "mqtt.trifle {}") != 50 || strings.Count(second, "mqtt.trifle {}") != 10 ||
		strings.Count(second, "3145784  mqtt.nonsense {id}") != 15 || strings.Count(second, "only its beginning is kept: it cannot be put back (SHA-256 ") != 15 {
		t.Errorf("the pages are\n%s\n%s", first, second)
	}
	var bytes int64
	for _, key := range []string{"dead-letters", "dead-letter-messages"} {
		bytes += redis.Client().MemoryUsage(t.Context(), "chanmqttproxy:asgi:mqtt:"+key, 0).Val()
	}
	if bytes < 14<<20 || bytes > 20<<20 {
		t.Errorf("they take %d bytes", bytes)
	}
	out, err := dead(t, redis, "replay")
	if err == nil || !strings.Contains(out, "put back: 60") || !strings.Contains(out, "15 cannot be put back: they were larger than DEAD_LETTER_BYTES") {
		t.Errorf("replay said %q, %v", out, err)
	}
	worker.Stop()
}

// Above the bound a subscribe is refused. What is stored is restored, also above it.
func TestSubscriptionsAreBounded(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL(), "MQTT_MAX_SUBSCRIPTIONS=20")
	site := kit.NewDjango(t, redis.Addr())
	answers := map[string]int{}
	ask := func(filter string) {
		t.Helper()
		site.Send(append(kit.Subscribe(filter, "g", 1), messages.Pair{Key: "reply_channel", Value: site.Channel()}))
		for _, answer := range site.Read(20 * time.Second) {
			kind, _ := answer.Get("type")
			code, _ := answer.Get("code")
			answers[fmt.Sprint(kind, " ", code)]++
		}
	}
	for i := range 30 {
		ask(fmt.Sprint("a/", i))
	}
	if answers["mqtt.subscribed <nil>"] != 20 || answers["mqtt.error refused"] != 10 {
		t.Errorf("the answers are %v", answers)
	}
	worker.Stop()
	worker = run(t, redis, broker.URL(), "MQTT_MAX_SUBSCRIPTIONS=5")
	logs(t, worker, `"subscriptions restored" component=actors subscriptions=20`)
	ask("a/0")
	ask("a/30")
	if answers["mqtt.subscribed <nil>"] != 21 || answers["mqtt.error refused"] != 11 {
		t.Errorf("the answers are %v", answers)
	}
	worker.Stop()
}

func letters(t *testing.T, redis *kit.RedisServer, args ...string) string {
	t.Helper()
	out, err := dead(t, redis, args...)
	if err != nil {
		t.Fatalf("dead-letters %v: %v\n%s", args, err, out)
	}
	return out
}

// dead runs the command for dead letters.
func dead(t *testing.T, redis *kit.RedisServer, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(kit.Binary(t), append([]string{"dead-letters"}, args...)...)
	cmd.Env = append(os.Environ(), "REDIS_URL="+redis.URL())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A subscription whose group has no member any more is dropped, at the broker
// too, and the next subscribe brings it back.
func TestIdleSubscriptionIsDropped(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL(), "SUBSCRIPTION_IDLE=1")
	site, device := kit.NewDjango(t, redis.Addr()), kit.NewDevice(t, broker.Addr())
	site.Join("idle")
	site.Send(kit.Subscribe("idle/a", "idle", 1))
	in := read(t, site)
	reaches(t, device, "idle/a", in)
	redis.Client().Del(t.Context(), "asgi:group:idle")
	logs(t, worker, "subscriptions dropped")
	site.Join("idle")
	site.Send(kit.Subscribe("idle/a", "idle", 1))
	kit.Eventually(t, 20*time.Second, "the subscription is back", func() bool {
		device.Publish("idle/a", 1, "back").WaitTimeout(time.Second)
		time.Sleep(20 * time.Millisecond)
		return in.has("back")
	})
	worker.Stop()
}

// A burst into one process that reads slowly: with "wait" all of it arrives in
// order, with "latest" the last value of each topic does, and another process
// is not held up. The queues have the default capacity.
func TestBurstIntoASlowProcess(t *testing.T) {
	t.Parallel()
	const burst, topics = 3000, 10
	for _, overflow := range []string{"wait", "latest"} {
		t.Run(overflow, func(t *testing.T) {
			t.Parallel()
			redis, broker := kit.Redis(t), kit.Mosquitto(t)
			worker := kit.Worker(t, []string{"LOG_FORMAT=text", "REDIS_URL=" + redis.URL(), "MQTT_HOST=" + broker.Addr()}, "run")
			slow, quick := kit.NewDjango(t, redis.Addr()), kit.NewDjango(t, redis.Addr())
			device := kit.NewDevice(t, broker.Addr())
			slow.Join("burst")
			quick.Join("burst")
			subscribe := append(kit.Subscribe("burst/#", "burst", 1), messages.Pair{Key: "overflow", Value: overflow})
			slow.Send(subscribe)
			in := read(t, quick)
			reaches(t, device, "burst/x", in)
			slow.Read(time.Second)
			for i := range burst {
				for i-(in.count()) > 50 {
					time.Sleep(time.Millisecond)
				}
				device.Publish("burst/"+string(rune('a'+i%topics)), 1, "m"+strconv.Itoa(i))
			}
			kit.Eventually(t, 30*time.Second, "the quick process has everything", func() bool { return in.has("m" + strconv.Itoa(burst-1)) })
			late := read(t, slow)
			kit.Eventually(t, 30*time.Second, "the slow process has the last value of each topic", func() bool {
				all := late.all()
				for i := burst - topics; i < burst; i++ {
					if !slices.Contains(all, "m"+strconv.Itoa(i)) {
						return false
					}
				}
				return true
			})
			if overflow == "wait" {
				inOrder(t, late, burst)
			}
			worker.Stop()
		})
	}
}
