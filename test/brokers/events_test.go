package brokers_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

const soon = 60 * time.Second

func value(m messages.Map, key string) messages.Value {
	v, _ := m.Get(key)
	return v
}

// texts are events as "topic=payload", with " retained" where they are.
func texts(c *kit.Consumer) []string {
	var list []string
	for _, e := range c.Events() {
		text := fmt.Sprintf("%v=%v", value(e, "topic"), value(e, "payload"))
		if value(e, "retain") == true {
			text += " retained"
		}
		list = append(list, text)
	}
	return list
}

// expect waits until so many events have come, and checks that they are these, in
// any order, and no more.
func expect(t *testing.T, c *kit.Consumer, want ...string) {
	t.Helper()
	expectOf(t, c, func() []string { return slices.Sorted(slices.Values(texts(c))) }, want)
}

// expectAfterKill is expect where the worker was killed: what it had passed on, and the
// broker had no acknowledgement of, may come twice.
func expectAfterKill(t *testing.T, c *kit.Consumer, want ...string) {
	t.Helper()
	expectOf(t, c, func() []string { return slices.Compact(slices.Sorted(slices.Values(texts(c)))) }, want)
}

func expectOf(t *testing.T, c *kit.Consumer, events func() []string, want []string) {
	t.Helper()
	got := events()
	for deadline := time.Now().Add(soon); len(got) < len(want) && time.Now().Before(deadline); got = events() {
		time.Sleep(5 * time.Millisecond)
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s got %q, want %q", c.Group, got, want)
	}
}

// ask sends a command and ends the test unless its answer is of that type.
func ask(t *testing.T, c *kit.Consumer, command messages.Map, want string) messages.Map {
	t.Helper()
	answer := c.Ask(soon, command)[0]
	if value(answer, "type") != want {
		t.Fatalf("%v was answered %v, want %s", command, answer, want)
	}
	return answer
}

// publish sends from a device and waits until the broker has it.
func publish(t *testing.T, d *kit.Device, topic string, qos byte, payload string) {
	t.Helper()
	if !d.Publish(topic, qos, payload).WaitTimeout(soon) {
		t.Errorf("the broker did not take a publish of QoS %d to %s", qos, topic)
	}
}

// with is a command with further keys.
func with(m messages.Map, key string, value messages.Value) messages.Map {
	return append(slices.Clone(m), messages.Pair{Key: key, Value: value})
}
