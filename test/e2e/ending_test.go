package e2e_test

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
	"chanmqttproxy/test/kit"
)

// Two filters of one group overlap, in two session slots that two workers hold. Now this one
// is unsubscribed and now that, while a worker does not see it at once, and while the slots
// become three. What the other filter matches is never missed.
func TestOverlappingSubscriptionEnds(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	wide, narrow := overlapping()
	workers := []*kit.WorkerProcess{run(t, redis, broker.URL(), "MQTT_SESSIONS=2"), run(t, redis, broker.URL(), "MQTT_SESSIONS=2")}
	site := (&deployment{redis: redis}).member(t, "ending")
	site.succeeds(kit.Subscribe(wide, "ending", 1), "mqtt.subscribed")
	site.succeeds(kit.Subscribe(narrow, "ending", 1), "mqtt.subscribed")

	load := newLoad(t, kit.NewSensor(t, broker.Addr()), narrow)
	for round := range 8 {
		load.comesOnce(site)
		filter, slow := []string{wide, narrow}[round%2], workers[round/2%2]
		if round == 4 {
			run(t, redis, broker.URL(), "MQTT_SESSIONS=3")
		}
		slow.Signal(syscall.SIGSTOP)
		goesOn := make(chan struct{})
		time.AfterFunc(400*time.Millisecond, func() { slow.Signal(syscall.SIGCONT); close(goesOn) })
		site.succeeds(messages.Map{pair("type", "mqtt.unsubscribe"), pair("topic", filter), pair("group", "ending")}, "mqtt.unsubscribed")
		<-goesOn // what waits for the stopped worker by then it may leave to the other one, which serves that filter no more
		load.goesOn(50)
		site.succeeds(kit.Subscribe(filter, "ending", 1), "mqtt.subscribed")
	}
	sent := load.end()
	kit.Eventually(t, 30*time.Second, fmt.Sprintf("all of %d messages come", sent), func() bool {
		return len(site.counts()) == sent
	})
}

// overlapping are two filters whose slots are different ones among two, and of which the
// first has another among three.
func overlapping() (wide, narrow string) {
	for i := 0; ; i++ {
		wide, narrow = fmt.Sprint("ending/", i, "/+"), fmt.Sprint("ending/", i, "/b")
		if topic.Slot(wide, 2) == 0 && topic.Slot(narrow, 2) == 1 && topic.Slot(wide, 3) == 2 && topic.Slot(narrow, 3) == 1 {
			return wide, narrow
		}
	}
}

// load is a device that sends numbers.
type load struct {
	t    *testing.T
	sent atomic.Int64
	stop chan struct{}
	done chan struct{}
}

func newLoad(t *testing.T, sensor *kit.Sensor, topic string) *load {
	l := &load{t: t, stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for {
			select {
			case <-l.stop:
				return
			case <-time.After(5 * time.Millisecond):
				sensor.Send(topic, 1, fmt.Sprint(l.sent.Add(1)))
			}
		}
	}()
	t.Cleanup(func() { sensor.Close(); l.end() })
	return l
}

// end stops it, and returns how much it has sent.
func (l *load) end() int {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	<-l.done
	return int(l.sent.Load())
}

// goesOn waits until so many more messages were sent.
func (l *load) goesOn(more int64) {
	l.t.Helper()
	until := l.sent.Load() + more
	kit.Eventually(l.t, 30*time.Second, "the device sends", func() bool { return l.sent.Load() >= until })
}

// comesOnce waits until messages come once, so that one slot leaves them to the other. On a
// busy machine that may never be: then they come twice.
func (l *load) comesOnce(site *consumer) {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		l.goesOn(50)
		counts, last := site.counts(), int(l.sent.Load())
		once := 0
		for n := last - 40; n < last-10; n++ {
			if counts[fmt.Sprint(n)] == 1 {
				once++
			}
		}
		if once == 30 {
			return
		}
	}
}

// counts is how often each payload has come.
func (m *consumer) counts() map[string]int {
	counts := map[string]int{}
	for _, got := range m.received() {
		if value(got, "type") == "mqtt.message" {
			counts[fmt.Sprint(value(kit.Event(m.t, got), "payload"))]++
		}
	}
	return counts
}
