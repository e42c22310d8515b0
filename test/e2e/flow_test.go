package e2e_test

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// run starts the worker between a Redis and a broker. The queues of the layer
// have room for what an outage dams up.
func run(t *testing.T, redis *kit.RedisServer, broker *url.URL, env ...string) *kit.WorkerProcess {
	t.Helper()
	host := *broker
	host.User = nil
	env = append(env, "LOG_FORMAT=text", "MQTT_HOST="+host.String(), fmt.Sprintf(
		`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [%q], "capacity": 10000}}}`, redis.URL()))
	if password, ok := broker.User.Password(); ok {
		env = append(env, "MQTT_USER="+broker.User.Username(), "MQTT_PASSWORD="+password)
	}
	return kit.Worker(t, env, "run")
}

// logs waits until the worker has logged the text.
func logs(t *testing.T, w *kit.WorkerProcess, text string) {
	t.Helper()
	kit.Eventually(t, 30*time.Second, "the worker says "+strconv.Quote(text), func() bool {
		return strings.Contains(w.Output(), text)
	})
}

// inbox collects the payloads that a process of a site reads, those of reaches
// apart from the others.
type inbox struct {
	mu       sync.Mutex
	payloads []string
	probes   []string
	stop     chan struct{}
	done     chan struct{}
}

func read(t *testing.T, d *kit.Django) *inbox {
	in := &inbox{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(in.done)
		for {
			select {
			case <-in.stop:
				return
			default:
				in.add(t, d.Read(100*time.Millisecond))
			}
		}
	}()
	t.Cleanup(in.end)
	return in
}

func (in *inbox) end() {
	close(in.stop)
	<-in.done
}

func (in *inbox) add(t *testing.T, list []messages.Map) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, m := range list {
		payload, _ := kit.Event(t, m).Get("payload")
		if text := fmt.Sprint(payload); strings.HasPrefix(text, "probe ") {
			in.probes = append(in.probes, text)
		} else {
			in.payloads = append(in.payloads, text)
		}
	}
}

func (in *inbox) count() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.payloads)
}

func (in *inbox) all() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.payloads)
}

func (in *inbox) has(payload string) bool { return slices.Contains(in.all(), payload) }

// reached says whether a probe on that topic came.
func (in *inbox) reached(topic string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.ContainsFunc(in.probes, func(p string) bool { return strings.HasSuffix(p, " "+topic) })
}

// reaches publishes until a message comes through to the site.
func reaches(t *testing.T, device *kit.Device, topic string, in *inbox) {
	t.Helper()
	attempt := 0
	kit.Eventually(t, 30*time.Second, "a message on "+topic+" comes through", func() bool {
		attempt++
		probe := fmt.Sprint("probe ", attempt, " ", topic)
		device.Publish(topic, 1, probe).WaitTimeout(time.Second)
		time.Sleep(20 * time.Millisecond)
		return in.reached(topic)
	})
}

// Two thousand messages for each of fifty groups at once: in order, none lost,
// none doubled. Each device waits while its group has many unread, as readers
// that keep up would have it.
func TestFiftyGroupsInOrder(t *testing.T) {
	t.Parallel()
	const groups, each, window = 50, 2000, 50
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL())
	var all sync.WaitGroup
	for g := range groups {
		topic, group := fmt.Sprintf("floor/%d/temperature", g), fmt.Sprintf("floor-%d", g)
		site, device := kit.NewDjango(t, redis.Addr()), kit.NewDevice(t, broker.Addr())
		site.Join(group)
		site.Send(kit.Subscribe(topic, group, 1))
		all.Go(func() {
			in := read(t, site)
			reaches(t, device, topic, in)
			for i := range each {
				for i-in.count() > window {
					time.Sleep(time.Millisecond)
				}
				device.Publish(topic, 1, "m"+strconv.Itoa(i))
			}
			kit.Eventually(t, time.Minute, group+" has everything", func() bool { return in.has("m" + strconv.Itoa(each-1)) })
			inOrder(t, in, each)
		})
	}
	all.Wait()
	worker.Stop()
}

// inOrder checks that m0 … came once each and in order.
func inOrder(t *testing.T, in *inbox, n int) {
	t.Helper()
	next := 0
	for _, p := range in.all() {
		if p != "m"+strconv.Itoa(next) {
			t.Errorf("got %s, want m%d", p, next)
			return
		}
		next++
	}
	if next != n {
		t.Errorf("got %d of %d", next, n)
	}
}

// A storm of subscribe commands is quick, and none is lost.
func TestStormOfSubscribes(t *testing.T) {
	t.Parallel()
	const filters = 10_000
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL())
	site, device := kit.NewDjango(t, redis.Addr()), kit.NewDevice(t, broker.Addr())
	site.Join("storm")
	var commands []messages.Map
	for i := range filters {
		commands = append(commands, kit.Subscribe(fmt.Sprintf("storm/%d", i), "storm", 0))
	}
	began := time.Now()
	site.Send(commands...)
	in := read(t, site)
	reaches(t, device, fmt.Sprintf("storm/%d", filters-1), in)
	t.Logf("the last of %d works after %v", filters, time.Since(began))
	for i := range filters {
		for i-(in.count()) > 50 {
			time.Sleep(time.Millisecond)
		}
		device.Publish(fmt.Sprintf("storm/%d", i), 0, "m"+strconv.Itoa(i))
	}
	kit.Eventually(t, time.Minute, "every filter works", func() bool {
		missing, _ := lost(in.all(), filters)
		return missing == 0
	})
	if n := repeated(in.all()); n > 0 {
		t.Errorf("%d came twice", n)
	}
	worker.Stop()
}

// Whatever a site or a stranger writes into the channel, the worker says what is
// wrong and goes on.
func TestBadInput(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL())
	site := kit.NewDjango(t, redis.Addr())
	device := kit.NewDevice(t, broker.Addr())
	device.Listen("out/#", 1)
	for _, c := range []struct {
		name string
		body messages.Map
		says string
	}{
		{"no type", messages.Map{pair("topic", "a")}, "type"},
		{"unknown type", messages.Map{pair("type", "mqtt.explode")}, "mqtt.explode"},
		{"no topic", messages.Map{pair("type", "mqtt.subscribe"), pair("group", "g")}, "topic"},
		{"no group", messages.Map{pair("type", "mqtt.subscribe"), pair("topic", "a")}, "group"},
		{"filter that is none", kit.Subscribe("a/#/b", "g", 0), "a/#/b"},
		{"empty filter", kit.Subscribe("", "g", 0), "topic"},
		{"filter with NUL", kit.Subscribe("a\x00b", "g", 0), "topic"},
		{"numeric filter", with(kit.Subscribe("a", "g", 0), messages.Map{pair("topic", int64(7))}), "topic"},
		{"70 kB filter", kit.Subscribe(strings.Repeat("x", 70_000), "g", 0), "topic"},
		{"group that Channels refuses", kit.Subscribe("a", "no spaces", 0), "no spaces"},
		{"qos 7", kit.Subscribe("a", "g", 7), "qos"},
		{"qos in quotes", with(kit.Subscribe("a", "g", 0), messages.Map{pair("qos", "1")}), "qos"},
		{"unknown key", with(kit.Subscribe("a", "g", 0), messages.Map{pair("colour", "red")}), "colour"},
		{"wildcard in a publish", kit.Publish("out/+", "x", 1), "out/+"},
		{"publish without anything", messages.Map{pair("type", "mqtt.publish")}, "publish"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(worker.Output())
			site.Send(c.body)
			kit.Eventually(t, 20*time.Second, "one line that says what is wrong", func() bool {
				return strings.Contains(worker.Output()[before:], c.says)
			})
		})
	}
	site.SendRaw(kit.Garbage()...)
	site.Send(kit.Publish("out/alive", "still here", 1))
	kit.Eventually(t, 20*time.Second, "a good command after all of these", func() bool { return len(device.Heard()) == 1 })
	if got := device.Heard()[0]; got.Topic != "out/alive" || got.Payload != "still here" {
		t.Errorf("the device heard %+v", got)
	}
	worker.Stop()
}

// Whatever a device sends, the site can read it.
func TestOddPayloads(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL())
	site, device := kit.NewDjango(t, redis.Addr()), kit.NewDevice(t, broker.Addr())
	site.Join("odd")
	site.Send(kit.Subscribe("odd/#", "odd", 1))
	in := read(t, site)
	reaches(t, device, "odd/x", in)
	for _, c := range []struct{ sent, seen string }{
		{"\xff\xfe\x00", fmt.Sprint([]byte("\xff\xfe\x00"))},
		{"NaN", "NaN"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"", ""},
		{"18446744073709551615", "18446744073709551615"},
		{`{"a": [1, 2.5, null]}`, fmt.Sprint(messages.Map{{Key: "a", Value: []any{int64(1), 2.5, nil}}})},
	} {
		before := in.count()
		device.Publish("odd/y", 1, c.sent)
		kit.Eventually(t, 20*time.Second, fmt.Sprintf("%q comes through", c.sent), func() bool { return in.count() > before })
		if got := in.all()[before]; got != c.seen {
			t.Errorf("%q came as %q, want %q", c.sent, got, c.seen)
		}
	}
	worker.Stop()
}
