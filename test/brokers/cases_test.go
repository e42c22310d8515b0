package brokers_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// Filters are granted and bring what they match; after an unsubscribe nothing.
func (s *deployment) subscribe(t *testing.T) {
	c, device := s.consumer(t, "subscribe"), s.device(t)
	for qos, filter := range []string{"subscribe/a", "subscribe/+/b", "subscribe/c/#"} {
		answer := ask(t, c, kit.Subscribe(filter, c.Group, qos), "mqtt.subscribed")
		if got := value(answer, "qos"); got != int64(min(qos, s.maxQoS)) {
			t.Errorf("%s was granted QoS %v", filter, got)
		}
	}
	want := []string{"subscribe/a=1", "subscribe/x/b=2", "subscribe/c/d/e=3", "subscribe/c=4"}
	topics := []string{"subscribe/a", "subscribe/x/b", "subscribe/c/d/e", "subscribe/c", "subscribe/not"}
	for i, topic := range topics {
		publish(t, device, topic, 1, fmt.Sprint(i+1))
	}
	expect(t, c, want...)
	ask(t, c, messages.Map{{Key: "type", Value: "mqtt.unsubscribe"}, {Key: "topic", Value: "subscribe/a"}, {Key: "group", Value: c.Group}}, "mqtt.unsubscribed")
	time.Sleep(100 * time.Millisecond) // the broker is told; the answer does not wait for it
	publish(t, device, "subscribe/a", 1, "gone")
	publish(t, device, "subscribe/y/b", 1, "there")
	expect(t, c, append(want, "subscribe/y/b=there")...)
}

// Messages of each QoS arrive, with the QoS they have.
func (s *deployment) messagesIn(t *testing.T) {
	c, device := s.consumer(t, "in"), s.device(t)
	ask(t, c, kit.Subscribe("in/+", c.Group, 2), "mqtt.subscribed")
	var want []string
	for qos := range 3 {
		publish(t, device, fmt.Sprint("in/", qos), byte(qos), "x")
		want = append(want, fmt.Sprintf("in/%d=x", qos))
	}
	expect(t, c, want...)
	if s.without(t, sentQoS) {
		return
	}
	for _, e := range c.Events() {
		var qos int
		fmt.Sscanf(fmt.Sprint(value(e, "topic")), "in/%d", &qos)
		if value(e, "qos") != int64(min(qos, s.maxQoS)) {
			t.Errorf("sent with QoS %d, came as %v", qos, e)
		}
	}
}

// Publishes of each QoS arrive at a device.
func (s *deployment) messagesOut(t *testing.T) {
	c, device := s.consumer(t, "out"), s.device(t)
	device.Listen("out/+", 2)
	for qos := range 3 {
		ask(t, c, kit.Publish(fmt.Sprint("out/", qos), "x", qos), "mqtt.published")
	}
	kit.Eventually(t, soon, "the device hears all", func() bool { return len(device.Heard()) >= 3 })
	for _, h := range device.Heard() {
		if h.Payload != "x" || h.Topic != fmt.Sprint("out/", h.QoS) && int(h.QoS) < s.maxQoS {
			t.Errorf("the device heard %v", h)
		}
	}
}

var unusualTopics = []string{"a.b", "two words", "wärme/°", "a//b", "/a", "a/", "a*b>c"}

// Topics with unusual letters arrive as they are.
func (s *deployment) topics(t *testing.T) {
	device := s.device(t)
	for i, name := range unusualTopics {
		c, topic := s.consumer(t, fmt.Sprint("topics", i)), fmt.Sprintf("topics%d/%s", i, name)
		if slices.Contains(s.badTopics, name) {
			answer := c.Ask(soon, kit.Subscribe(topic, c.Group, 1))[0]
			t.Logf("NOT WITH %s: the topic %q, answered %v", s.name, name, value(answer, "reason"))
			continue
		}
		ask(t, c, kit.Subscribe(topic, c.Group, 1), "mqtt.subscribed")
		publish(t, device, topic, 1, "x")
		expect(t, c, topic+"=x")
	}
}

// Retained messages come to those who ask for them, each time they ask.
func (s *deployment) retained(t *testing.T) {
	device := s.device(t)
	for i := range 3 {
		device.Retain(fmt.Sprint("retained/", i), fmt.Sprint("v", i))
	}
	device.Retain("exact", "v1")
	device.Retain("retained/gone", "x")
	device.Retain("retained/gone", "")
	exact := s.consumer(t, "exact")
	ask(t, exact, with(kit.Subscribe("exact", exact.Group, 1), "retained", "send"), "mqtt.subscribed")
	expect(t, exact, "exact=v1 retained")
	all := []string{"retained/0=v0 retained", "retained/1=v1 retained", "retained/2=v2 retained"}
	if s.without(t, wildcardReplay) {
		all = nil
	}
	wide := s.consumer(t, "wide")
	ask(t, wide, with(kit.Subscribe("retained/+", wide.Group, 1), "retained", "send"), "mqtt.subscribed")
	expect(t, wide, all...)
	second := s.consumer(t, "wide")
	ask(t, second, with(with(kit.Subscribe("retained/+", wide.Group, 1), "retained", "send"), "channel", second.Channel()), "mqtt.subscribed")
	again := all
	if s.without(t, replayAgain) {
		again = nil
	}
	expect(t, second, again...)
	device.Retain("retained/1", "live")
	device.Retain("exact", "live")
	expect(t, exact, "exact=v1 retained", "exact=live")
	expect(t, wide, append(all, "retained/1=live")...)
	expect(t, second, append(again, "retained/1=live")...)
}

// A group that several filters match gets a message once.
func (s *deployment) overlaps(t *testing.T) {
	device, copies := s.device(t), s.version == "3.1.1" && s.without(t, oneCopy)
	wide, narrow, both := s.consumer(t, "wide-overlap"), s.consumer(t, "narrow-overlap"), s.consumer(t, "both-overlap")
	ask(t, wide, kit.Subscribe("overlap/#", wide.Group, 1), "mqtt.subscribed")
	ask(t, narrow, kit.Subscribe("overlap/+/b", narrow.Group, 1), "mqtt.subscribed")
	ask(t, both, kit.Subscribe("overlap/a/+", both.Group, 1), "mqtt.subscribed")
	ask(t, both, kit.Subscribe("overlap/+/b", both.Group, 1), "mqtt.subscribed")
	for i := range 3 {
		publish(t, device, "overlap/a/b", 1, fmt.Sprint(i))
	}
	publish(t, device, "overlap/a/c", 1, "last")
	time.Sleep(500 * time.Millisecond)
	for _, c := range []*kit.Consumer{wide, narrow, both} {
		var want []string
		for i := range 3 {
			want = append(want, fmt.Sprintf("overlap/a/b=%d", i))
		}
		if c != narrow {
			want = append(want, "overlap/a/c=last")
		}
		if !copies {
			expect(t, c, want...)
			continue
		}
		for _, w := range want {
			kit.Eventually(t, soon, c.Group+" has "+w, func() bool { return slices.Contains(texts(c), w) })
		}
	}
}

// Five thousand messages come once each and in order.
func (s *deployment) inOrder(t *testing.T) {
	const n = 5000
	c, device, window := s.consumer(t, "order"), s.device(t), 200
	if s.without(t, pipelined) {
		window = 0
	}
	ask(t, c, kit.Subscribe("order", c.Group, 1), "mqtt.subscribed")
	for i := range n {
		if window == 0 {
			publish(t, device, "order", 1, fmt.Sprint("m", i))
			continue
		}
		kit.Eventually(t, 2*soon, "there is room for the next", func() bool { return i-len(c.Events()) <= window })
		device.Publish("order", 1, fmt.Sprint("m", i))
	}
	kit.Eventually(t, 2*soon, "all have come", func() bool { return len(c.Events()) >= n })
	for i, e := range c.Events() {
		if value(e, "payload") != fmt.Sprint("m", i) {
			t.Fatalf("event %d of %d is %v", i, len(c.Events()), e)
		}
	}
}
