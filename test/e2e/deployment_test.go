package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// deployment is a running worker between a Redis and a broker, and what a test needs
// to play everybody around it.
type deployment struct {
	place
	redis  *kit.RedisServer
	broker string // address
	worker *kit.WorkerProcess
}

// place is a kind of broker and the version that is spoken with it. The flags
// say what it can.
type place struct {
	name    string
	start   func(t *testing.T) *deployment
	v5      bool // properties, requests, no_local; refusals of publishes are told
	replays bool // retained messages of wildcard filters
}

// testCase is one process of a site on the deployment, with a topic of its own.
type testCase struct {
	*deployment
	t     *testing.T
	topic string // first level of the test's topics, and name of its group
	*consumer
}

// consumer is a process of a site: one consumer, which sends and keeps what it got.
type consumer struct {
	t      *testing.T
	django *kit.Django
	mu     sync.Mutex
	got    []messages.Map
	ids    int
	stop   chan struct{}
	done   chan struct{}
}

var testCases atomic.Int64

// testCase makes a process of a site, in the group of its topic.
func (s *deployment) testCase(t *testing.T) *testCase {
	topic := fmt.Sprintf("case%d", testCases.Add(1))
	return &testCase{deployment: s, t: t, topic: topic, consumer: s.member(t, topic)}
}

// member makes one more process, in a group.
func (s *deployment) member(t *testing.T, group string) *consumer {
	m := &consumer{t: t, django: kit.NewDjango(t, s.redis.Addr()), stop: make(chan struct{}), done: make(chan struct{})}
	m.django.Join(group)
	go m.read()
	t.Cleanup(func() {
		close(m.stop)
		<-m.done
	})
	return m
}

func (m *consumer) read() {
	defer close(m.done)
	for {
		list := m.django.Read(50 * time.Millisecond)
		m.mu.Lock()
		m.got = append(m.got, list...)
		m.mu.Unlock()
		select {
		case <-m.stop:
			return
		default:
		}
	}
}

// received is everything that came so far.
func (m *consumer) received() []messages.Map {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.got)
}

// events are the messages that came, as "topic=payload", with " retained" where
// they are replays.
func (m *consumer) events() []string {
	var list []string
	for _, got := range m.received() {
		if value(got, "type") == "mqtt.message" {
			list = append(list, event(kit.Event(m.t, got)))
		}
	}
	return list
}

func event(e messages.Map) string {
	text := fmt.Sprintf("%v=%v", value(e, "topic"), value(e, "payload"))
	if value(e, "retain") == true {
		text += " retained"
	}
	return text
}

func value(m messages.Map, key string) messages.Value {
	v, _ := m.Get(key)
	return v
}

// expect waits until exactly these events have come.
func (m *consumer) expect(want ...string) {
	m.t.Helper()
	m.await(fmt.Sprintf("events %q", want), func() bool { return len(m.events()) >= len(want) })
	if got := m.events(); !slices.Equal(got, want) {
		m.t.Errorf("got %q, want %q", got, want)
	}
}

func (m *consumer) await(what string, condition func() bool) {
	m.t.Helper()
	kit.Eventually(m.t, 30*time.Second, what, condition)
}

// request sends a command and returns its answer.
func (m *consumer) request(command messages.Map) messages.Map {
	m.t.Helper()
	m.ids++
	id := fmt.Sprintf("id-%d", m.ids)
	m.django.Send(with(command, messages.Map{{Key: "reply_channel", Value: m.django.Channel()}, {Key: "id", Value: id}}))
	var answer messages.Map
	m.await("an answer to "+fmt.Sprint(value(command, "type")), func() bool {
		i := slices.IndexFunc(m.received(), func(got messages.Map) bool { return value(got, "id") == id })
		if i >= 0 {
			answer = m.received()[i]
		}
		return i >= 0
	})
	return answer
}

// insists asks, and again where a slow broker has not answered a subscribe in time.
func (m *consumer) insists(command messages.Map) (answer messages.Map) {
	m.t.Helper()
	for range 6 {
		answer = m.request(command)
		kind := fmt.Sprint(value(command, "type"))
		if value(answer, "code") != "timeout" || !strings.HasSuffix(kind, "subscribe") {
			break
		}
	}
	return answer
}

// succeeds asks, and checks that the answer is of that type.
func (m *consumer) succeeds(command messages.Map, want string) messages.Map {
	m.t.Helper()
	answer := m.insists(command)
	if value(answer, "type") != want {
		m.t.Errorf("answered %v, want %s", answer, want)
	}
	return answer
}

// fails asks, and checks the code of the error.
func (m *consumer) fails(command messages.Map, code string) messages.Map {
	m.t.Helper()
	answer := m.insists(command)
	if value(answer, "type") != "mqtt.error" || value(answer, "code") != code || value(answer, "reason") == "" {
		m.t.Errorf("answered %v, want an error with code %s", answer, code)
	}
	return answer
}

// subscribes is an answered mqtt.subscribe of the testCase's group.
func (s *testCase) subscribes(filter string, options ...messages.Pair) {
	s.t.Helper()
	s.succeeds(with(kit.Subscribe(filter, s.topic, 1), options), "mqtt.subscribed")
}

// device is one that publishes.
func (s *testCase) device() *kit.Device { return kit.NewDevice(s.t, s.broker) }

// with is a command with further keys, or other values of those it has.
func with(m, more messages.Map) messages.Map {
	m = slices.Clone(m)
	for _, p := range more {
		m = slices.DeleteFunc(m, func(old messages.Pair) bool { return old.Key == p.Key })
		m = append(m, p)
	}
	return m
}

func pair(key string, value messages.Value) messages.Pair {
	return messages.Pair{Key: key, Value: value}
}
