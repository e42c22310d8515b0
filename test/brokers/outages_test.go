package brokers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// What the broker has for a worker that was killed comes to the next one, which can
// publish with QoS 2.
func (s *deployment) workerKilled(t *testing.T) {
	c, device := s.consumer(t, "worker"), s.device(t)
	ask(t, c, kit.Subscribe("worker/#", c.Group, 1), "mqtt.subscribed")
	publish(t, device, "worker/first", 1, "x")
	expect(t, c, "worker/first=x")
	s.killWorker()
	for i := range 300 {
		publish(t, device, "worker/away", 1, fmt.Sprint(i))
	}
	s.startWorker()
	s.inSequence(t, c, "worker/away", 300)
	s.flows(t, c, device, "worker/live")
	s.flows(t, c, device, "worker/later") // so the broker has read the acknowledgements before
	s.killWorker()
	publish(t, device, "worker/again", 1, "x")
	s.startWorker()
	s.flows(t, c, device, "worker/again")
	s.inSequence(t, c, "worker/away", 300)
	device.Listen("out-again/+", 2)
	for i := range 10 {
		ask(t, c, kit.Publish(fmt.Sprint("out-again/", i), "x", 2), "mqtt.published")
	}
	kit.Eventually(t, soon, "the device hears all", func() bool { return len(device.Heard()) >= 10 })
}

// A broker that was killed is found again, with all subscriptions; commands wait.
func (s *deployment) brokerKilled(t *testing.T) {
	c, device := s.consumer(t, "broker"), s.device(t)
	ask(t, c, kit.Subscribe("broker/#", c.Group, 1), "mqtt.subscribed")
	publish(t, device, "broker/first", 1, "x")
	expect(t, c, "broker/first=x")
	s.broker.Kill()
	answered := make(chan messages.Map)
	go func() { answered <- c.Ask(3*soon, kit.Publish("out/broker", "x", 1))[0] }()
	s.broker.Start()
	began := time.Now()
	s.flows(t, c, device, "broker/live")
	t.Logf("messages flow %v after the broker's return", time.Since(began))
	if answer := <-answered; value(answer, "type") != "mqtt.published" {
		t.Errorf("a publish while the broker was away was answered %v", answer)
	}
}

// What a broker keeps over its own kill comes to a worker that was away meanwhile.
func (s *deployment) bothKilled(t *testing.T) {
	c, device := s.consumer(t, "both"), s.device(t)
	ask(t, c, kit.Subscribe("both/#", c.Group, 1), "mqtt.subscribed")
	s.flows(t, c, device, "both/before")
	s.killWorker()
	for i := range 100 {
		publish(t, device, "both/away", 1, fmt.Sprint(i))
	}
	s.broker.Kill()
	s.broker.Start()
	s.startWorker()
	s.flows(t, c, s.device(t), "both/live")
	if !s.without(t, keepsSessions) {
		s.inSequence(t, c, "both/away", 100)
	}
}

// flows waits until a message that a device sends comes to the consumer.
func (s *deployment) flows(t *testing.T, c *kit.Consumer, device *kit.Device, topic string) {
	t.Helper()
	kit.Eventually(t, 2*soon, "a message on "+topic+" comes through", func() bool {
		device.Publish(topic, 1, "x").WaitTimeout(time.Second)
		time.Sleep(20 * time.Millisecond)
		return slices.Contains(texts(c), topic+"=x")
	})
}

// inSequence checks that 0 to n-1 came on a topic, once each and in order.
func (s *deployment) inSequence(t *testing.T, c *kit.Consumer, topic string, n int) {
	t.Helper()
	if s.without(t, queues) {
		return
	}
	var want, got []string
	for i := range n {
		want = append(want, fmt.Sprintf("%s=%d", topic, i))
	}
	for deadline := time.Now().Add(soon); len(got) < n && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		got = slices.DeleteFunc(texts(c), func(text string) bool { return !strings.HasPrefix(text, topic+"=") })
	}
	if !slices.Equal(got, want) {
		t.Errorf("of %d messages on %s %d came: %q", n, topic, len(got), got)
	}
}
