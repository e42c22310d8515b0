package main_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

const (
	// container is the memory of the container that the defaults are for.
	container = 256 << 20
	// afterBurst is what the worker may have soon after a burst.
	afterBurst = 100 << 20
)

// TestContainerHolds: with its defaults the worker stays within a container of 256 MB,
// whatever is sent to it from both sides while they come and go, and loses nothing that it
// has acknowledged. CHAOS=full takes two minutes for each version of MQTT.
func TestContainerHolds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	duration := 10 * time.Second
	if os.Getenv("CHAOS") == "full" {
		duration = 2 * time.Minute
	}
	for name, version := range map[string]string{"5": "50", "3.1.1": "311"} {
		t.Run(name, func(t *testing.T) {
			s := newContainer(t, version)
			watched := s.watch()
			s.load(duration, s.senders())
			s.settle()
			peak := watched()
			t.Logf("messages %d, commands %d; at most %d MB", len(s.sent), len(s.answered), peak>>20)
			if peak > container {
				t.Errorf("the worker had %d MB", peak>>20)
			}
			kit.Eventually(t, time.Minute, "memory goes back to the system", func() bool {
				s.slow.Read(time.Millisecond)
				return s.memory() < afterBurst
			})
			s.worker.Stop()
			for _, sign := range []string{"panic", "fatal error", "level=ERROR"} {
				if strings.Contains(s.worker.Output(), sign) {
					t.Errorf("the worker said %q", sign)
				}
			}
		})
	}
}

// TestContainerHoldsSubscriptions: the same container has room for 100,000 subscriptions and ordinary
// messages, also while the broker and Redis lose all that they have, and come back. Without CHAOS=full
// there are fewer.
func TestContainerHoldsSubscriptions(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	many, duration := 5_000, 5*time.Second
	if os.Getenv("CHAOS") == "full" {
		many, duration = 100_000, 30*time.Second
	}
	s := newContainer(t, "50", "MQTT_MAX_SUBSCRIPTIONS=200000")
	watched := s.watch()
	s.subscribe(many)
	s.load(duration, s.ordinary(many))
	s.settle()
	s.hears(many)
	s.broker.Kill() // the session is lost
	s.broker.Start()
	s.hears(many)
	client := s.redis.Client()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	s.redis.Restart()
	s.site.Join("quick")
	kit.Eventually(t, time.Minute, "all is stored again", func() bool { return stored(client) >= many })
	s.hears(many)
	peak := watched()
	t.Logf("%d subscriptions, messages %d, commands %d; at most %d MB", many, len(s.sent), len(s.answered), peak>>20)
	if peak > container {
		t.Errorf("the worker had %d MB", peak>>20)
	}
	s.worker.Stop()
}

// containerRun is a worker and all who send to it.
type containerRun struct {
	t      *testing.T
	redis  *kit.RedisServer
	broker *kit.MosquittoServer
	worker *kit.WorkerProcess
	site   *kit.Django
	slow   *kit.Django // reads nothing while there is a load
	heard  *kit.Device
	most   atomic.Int64 // of the worker's memory, while it is watched

	mu       sync.Mutex
	sent     map[string]bool // messages that the broker has taken
	came     map[string]bool
	answered map[string]bool // publishes that the worker says are done
}

func newContainer(t *testing.T, version string, settings ...string) *containerRun {
	t.Helper()
	s := &containerRun{
		t: t, redis: kit.Redis(t), broker: kit.Mosquitto(t),
		sent: map[string]bool{}, came: map[string]bool{}, answered: map[string]bool{},
	}
	s.site, s.heard = kit.NewDjango(t, s.redis.Addr()), kit.NewDevice(t, s.broker.Addr())
	s.worker = kit.PlainWorker(t, append(settings,
		"LOG_FORMAT=text", s.layer(), "MQTT_HOST="+s.broker.Addr(), "MQTT_VERSION="+version,
		"GOMEMLIMIT="+strconv.Itoa(container/10*9), // as the worker sets it in a control group
	), "run")
	s.heard.Listen("out/#", 1)
	s.site.Join("quick")
	s.slow = kit.NewDjango(t, s.redis.Addr())
	s.slow.Join("slow")
	s.site.Send(
		kit.Subscribe("in/#", "quick", 1), kit.Subscribe("in/small", "slow", 1), kit.Subscribe("in/crowded", "slow", 1),
		kit.Subscribe("json", "nobody", 1),
	)
	device := kit.NewDevice(t, s.broker.Addr())
	kit.Eventually(t, 30*time.Second, "messages come", func() bool {
		device.Publish("in/small", 1, "first").WaitTimeout(time.Second)
		s.read()
		return s.came["in/small first"]
	})
	return s
}

// subscribe adds many subscriptions, each of a filter of its own.
func (s *containerRun) subscribe(many int) {
	asks := kit.NewConsumer(s.t, s.redis.Addr(), "asks")
	began := time.Now()
	for first := 0; first < many; first += 1000 {
		var commands []messages.Map
		for i := range min(1000, many-first) {
			commands = append(commands, kit.Subscribe(fmt.Sprint("many/", first+i, "/v"), "quick", 1))
		}
		asks.Ask(time.Minute, commands...)
	}
	s.t.Logf("%d subscriptions took %v; %d MB", many, time.Since(began).Round(time.Millisecond), s.most.Load()>>20)
}

// hears waits until messages come by some of them.
func (s *containerRun) hears(many int) {
	s.t.Helper()
	device, began := kit.NewDevice(s.t, s.broker.Addr()), time.Now()
	for i, filter := range []int{0, many / 2, many - 1} {
		topic, number := fmt.Sprint("many/", filter, "/v"), fmt.Sprint(i, "-", time.Now().UnixNano())
		kit.Eventually(s.t, time.Minute, topic+" is subscribed to", func() bool {
			device.Publish(topic, 1, number).WaitTimeout(time.Second)
			s.read()
			return s.came[topic+" "+number]
		})
	}
	s.t.Logf("messages come after %v; by now at most %d MB", time.Since(began).Round(time.Millisecond), s.most.Load()>>20)
}

// layer is the setting of the layer: the process that reads has room for all.
func (s *containerRun) layer() string {
	return fmt.Sprintf(`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [%q], "channel_capacity": {%q: 1000000}}}}`,
		s.redis.URL(), s.site.Channel())
}

// memory is what the worker has of its own, in bytes. Its program is not counted: the
// system lets go of that where memory is short.
func (s *containerRun) memory() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.worker.PID()))
	if err != nil {
		s.t.Skip("a machine that says what a process has had at most")
	}
	_, rest, _ := strings.Cut(string(b), "RssAnon:")
	n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return n << 10
}

// watch looks at the worker's memory until the function it returns is called, which
// returns the most.
func (s *containerRun) watch() (peak func() int64) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				s.most.Store(max(s.most.Load(), s.memory()))
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-done
		return s.most.Load()
	}
}

// load has everybody send for a time, in which the broker and Redis hang once.
func (s *containerRun) load(d time.Duration, senders map[time.Duration]func(n int)) {
	ctx, cancel := context.WithTimeout(s.t.Context(), d)
	defer cancel()
	var work sync.WaitGroup
	every := func(pause time.Duration, do func(n int)) {
		work.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				do(n)
				time.Sleep(pause)
			}
		})
	}
	for pause, send := range senders {
		every(pause, send)
	}
	every(10*time.Millisecond, func(int) { s.read() })
	work.Go(func() {
		hang := min(d/8, 5*time.Second)
		time.Sleep(d / 4)
		s.broker.Freeze()
		time.Sleep(hang)
		s.broker.Thaw()
		time.Sleep(d / 4)
		s.redis.Pause()
		time.Sleep(hang)
		s.redis.Resume()
	})
	work.Wait()
}

// ordinary are those who send small messages to so many filters, and some commands.
func (s *containerRun) ordinary(many int) map[time.Duration]func(n int) {
	all, one, site := kit.NewDevice(s.t, s.broker.Addr()), kit.NewDevice(s.t, s.broker.Addr()), kit.NewDjango(s.t, s.redis.Addr())
	return map[time.Duration]func(n int){
		time.Millisecond:       func(n int) { s.send(all, fmt.Sprint("many/", n*7919%many, "/v"), strconv.Itoa(n), "") },
		5 * time.Millisecond:   func(n int) { s.send(one, "in/small", strconv.Itoa(n), "") },
		200 * time.Millisecond: func(n int) { site.Send(s.command(n)) },
	}
}

// stored is how many entries the largest hash in Redis has.
func stored(in *redis.Client) (most int) {
	for _, key := range in.Keys(context.Background(), "*").Val() {
		most = max(most, int(in.HLen(context.Background(), key).Val()))
	}
	return most
}

// senders are those who send, by how long each pauses.
func (s *containerRun) senders() map[time.Duration]func(n int) {
	small, large, oversized, json := kit.NewDevice(s.t, s.broker.Addr()), kit.NewDevice(s.t, s.broker.Addr()), kit.NewDevice(s.t, s.broker.Addr()), kit.NewDevice(s.t, s.broker.Addr())
	crowded, site := kit.NewDevice5(s.t, s.broker.Addr()), kit.NewDjango(s.t, s.redis.Addr())
	properties := &paho.PublishProperties{}
	for i := range 1500 {
		properties.User.Add(fmt.Sprint("property ", i), strings.Repeat("x", 40))
	}
	most := strings.Repeat("x", 15<<20)
	numbers := "[" + strings.Repeat("1e1,", 15<<18) + "0]"
	return map[time.Duration]func(n int){
		5 * time.Millisecond:   func(n int) { s.send(small, "in/small", strconv.Itoa(n), "") },
		300 * time.Millisecond: func(n int) { s.send(large, "in/large", strconv.Itoa(n), most) },
		time.Second:            func(int) { oversized.Publish("in/oversized", 1, most+most).WaitTimeout(time.Minute) },
		500 * time.Millisecond: func(int) { json.Publish("json", 1, numbers).WaitTimeout(time.Minute) },
		8 * time.Millisecond: func(n int) {
			crowded.Publish(&paho.Publish{Topic: "in/crowded", QoS: 1, Payload: []byte(strconv.Itoa(n)), Properties: properties})
			s.note(s.sent, "in/crowded "+strconv.Itoa(n))
		},
		200 * time.Millisecond: func(n int) { site.Send(s.command(n)) },
		400 * time.Millisecond: func(n int) { site.SendRaw(garbage(n)) },
	}
}

func (s *containerRun) send(d *kit.Device, topic, number, tail string) {
	if d.Publish(topic, 1, number+" "+tail).WaitTimeout(time.Minute) {
		s.note(s.sent, topic+" "+number)
	}
}

func (s *containerRun) note(in map[string]bool, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in[name] = true
}

// command is a publish of half a megabyte whose sender wants an answer.
func (s *containerRun) command(n int) messages.Map {
	publish := kit.Publish(fmt.Sprint("out/", n), strings.Repeat("x", 1<<19), 1)
	return append(publish, messages.Pair{Key: "reply_channel", Value: s.site.Channel()}, messages.Pair{Key: "id", Value: strconv.Itoa(n)})
}

// garbage is 3 MB that is no command: bytes, or very many nils.
func garbage(n int) redis.Z {
	body := append([]byte(fmt.Sprintf("%012d", n)), bytes.Repeat([]byte{0xc1}, 3<<20)...)
	if n%2 == 0 {
		body = append(append([]byte(fmt.Sprintf("%012d", n)), "\x81\xa1x\xdd\x00\x2f\xff\xff"...), bytes.Repeat([]byte{0xc0}, 3<<20-1)...)
	}
	return redis.Z{Score: float64(time.Now().UnixMicro()) / 1e6, Member: string(body)}
}

// read takes what has come to the site.
func (s *containerRun) read() {
	for _, m := range s.site.Read(20 * time.Millisecond) {
		switch kind, _ := m.Get("type"); kind {
		case "mqtt.message":
			event := kit.Event(s.t, m)
			topic, _ := event.Get("topic")
			payload, _ := event.Get("payload")
			number, _, _ := strings.Cut(fmt.Sprint(payload), " ")
			s.note(s.came, fmt.Sprint(topic, " ", number))
		case "mqtt.published":
			id, _ := m.Get("id")
			s.note(s.answered, fmt.Sprint(id))
		}
	}
}

// settle waits until all that was acknowledged has come, as long as some of it comes.
func (s *containerRun) settle() {
	s.t.Helper()
	published := map[string]bool{}
	lost := func() (list []string) {
		for _, h := range s.heard.Heard() {
			published[strings.TrimPrefix(h.Topic, "out/")] = true
		}
		for name := range s.sent {
			if !s.came[name] {
				list = append(list, name)
			}
		}
		for id := range s.answered {
			if !published[id] {
				list = append(list, "out/"+id)
			}
		}
		return list
	}
	const waitLimit = time.Minute
	list, deadline := lost(), time.Now().Add(waitLimit)
	for len(list) > 0 && time.Now().Before(deadline) {
		s.read()
		before := len(list)
		if list = lost(); len(list) < before {
			deadline = time.Now().Add(waitLimit)
		}
	}
	if len(list) > 0 {
		s.t.Errorf("%d were lost, among them %.200v", len(list), list)
	}
}
