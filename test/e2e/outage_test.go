package e2e_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// traffic runs in both directions: numbered messages in, numbered commands out.
type traffic struct {
	site     *kit.Django
	device   *kit.Device
	sensor   *kit.Sensor
	in       *inbox
	inbound  atomic.Int64
	outbound atomic.Int64
	stop     chan struct{}
	done     sync.WaitGroup
}

func flow(t *testing.T, redis *kit.RedisServer, broker *kit.MosquittoServer) *traffic {
	t.Helper()
	f := &traffic{
		site: kit.NewDjango(t, redis.Addr()), device: kit.NewDevice(t, broker.Addr()),
		sensor: kit.NewSensor(t, broker.Addr()), stop: make(chan struct{}),
	}
	f.site.Join("flow")
	f.site.Send(kit.Subscribe("in/#", "flow", 1))
	f.device.Listen("out/#", 1)
	f.in = read(t, f.site)
	reaches(t, f.device, "in/probe", f.in)
	f.done.Go(func() { f.repeat(f.send) })
	f.done.Go(func() { f.repeat(f.command) })
	t.Cleanup(f.end)
	return f
}

func (f *traffic) repeat(what func()) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-tick.C:
			what()
		}
	}
}

func (f *traffic) send() {
	f.sensor.Send("in/a", 1, "m"+strconv.FormatInt(f.inbound.Add(1)-1, 10))
}

func (f *traffic) command() {
	f.site.Send(kit.Publish("out/a", "m"+strconv.FormatInt(f.outbound.Add(1)-1, 10), 1))
}

func (f *traffic) end() {
	select {
	case <-f.stop:
	default:
		close(f.stop)
	}
	time.AfterFunc(10*time.Second, f.sensor.Close) // it may wait for a broker that is gone
	f.done.Wait()
}

// flows waits until messages sent from now on arrive on both sides.
func (f *traffic) flows(t *testing.T) {
	t.Helper()
	in, out := f.inbound.Load()+5, f.outbound.Load()+5
	began := time.Now()
	kit.Eventually(t, 30*time.Second, "messages flow in", func() bool {
		return slices.ContainsFunc(f.in.all(), func(p string) bool { return number(p) >= in })
	})
	kit.Eventually(t, 30*time.Second, "messages flow out", func() bool {
		return slices.ContainsFunc(f.device.Heard(), func(h kit.Heard) bool { return number(h.Payload) >= out })
	})
	t.Logf("flowing in both directions %v after the outage", time.Since(began).Round(time.Millisecond))
}

func number(payload string) int64 {
	n, err := strconv.ParseInt(strings.TrimPrefix(payload, "m"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// lost counts the numbers that never came, and says whether the rest came in
// order, repeats aside.
func lost(payloads []string, sent int64) (missing int, ordered bool) {
	seen := map[int64]bool{}
	last := int64(-1)
	ordered = true
	for _, p := range payloads {
		n := number(p)
		if n < 0 || seen[n] {
			continue
		}
		seen[n] = true
		ordered = ordered && n > last
		last = n
	}
	return int(sent) - len(seen), ordered
}

func TestBrokerIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL())
	f := flow(t, redis, broker)
	for range 2 {
		broker.Kill()
		logs(t, worker, "no connection to the MQTT broker")
		broker.Start()
		f.flows(t)
	}
	worker.Stop()
}

func TestBrokerRestartsInOrderAndNothingIsLost(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL())
	f := flow(t, redis, broker)
	for range 2 {
		broker.Restart()
		f.flows(t)
	}
	f.end()
	complete(t, f)
	worker.Stop()
}

func TestRedisIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL())
	f := flow(t, redis, broker)
	for range 2 {
		redis.Kill()
		logs(t, worker, "Redis is unreachable")
		redis.Restart()
		f.flows(t)
	}
	f.end()
	complete(t, f)
	worker.Stop()
}

// complete checks that everything that was sent came through.
func complete(t *testing.T, f *traffic) {
	t.Helper()
	kit.Eventually(t, 30*time.Second, "everything came in", func() bool {
		missing, _ := lost(f.in.all(), f.inbound.Load())
		return missing == 0
	})
	heard := func() (payloads []string) {
		for _, h := range f.device.Heard() {
			payloads = append(payloads, h.Payload)
		}
		return payloads
	}
	kit.Eventually(t, 30*time.Second, "everything went out", func() bool {
		missing, _ := lost(heard(), f.outbound.Load())
		return missing == 0
	})
	if _, ordered := lost(f.in.all(), f.inbound.Load()); !ordered {
		t.Errorf("messages came in out of order: %q", f.in.all())
	}
	if _, ordered := lost(heard(), f.outbound.Load()); !ordered {
		t.Errorf("commands went out out of order: %q", heard())
	}
	t.Logf("%d in, %d repeated; %d out, %d repeated",
		f.inbound.Load(), repeated(f.in.all()), f.outbound.Load(), repeated(heard()))
}

func repeated(payloads []string) int {
	seen, n := map[string]bool{}, 0
	for _, p := range payloads {
		if number(p) >= 0 && seen[p] {
			n++
		}
		seen[p] = true
	}
	return n
}

// Either side may come after the worker. It goes to the broker when it knows
// from Redis what to subscribe to.
func TestBothSidesComeLate(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	redis.Kill()
	broker.Kill()
	worker := run(t, redis, broker.URL())
	logs(t, worker, "Redis is unreachable")
	redis.Restart()
	logs(t, worker, "no connection to the MQTT broker")
	broker.Start()
	flow(t, redis, broker).flows(t)
	worker.Stop()
}
