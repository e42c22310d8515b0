package brokers_test

import (
	"fmt"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// Two thousand filters are granted, or refused where they are too many; those that
// were granted bring messages, also to the next worker.
func (s *deployment) manyFilters(t *testing.T) {
	const n = 2000
	c, device := s.consumer(t, "many"), s.device(t)
	began := time.Now()
	granted := s.grant(t, c, n)
	t.Logf("%d filters were granted in %v", len(granted), time.Since(began))
	if s.maxFilters == 0 && len(granted) != n || s.maxFilters > 0 && len(granted) < s.maxFilters/2 {
		t.Errorf("%d of %d filters were granted", len(granted), n)
	}
	var sample, want []string
	for i := 0; i < len(granted); i += 5 {
		sample = append(sample, granted[i])
	}
	for _, topic := range sample {
		publish(t, device, topic, 1, "y")
		want = append(want, topic+"=y")
	}
	expect(t, c, want...)
	s.killWorker()
	s.startWorker()
	if s.without(t, queues) {
		s.connected(t)
	}
	began = time.Now()
	for _, topic := range sample {
		publish(t, device, topic, 1, "z")
		want = append(want, topic+"=z")
	}
	expectAfterKill(t, c, want...)
	t.Logf("%d messages came %v after a start", len(sample), time.Since(began))
}

// grant subscribes to filters, and waits for a slow broker. It returns topics that
// match those which were not refused, one for each.
func (s *deployment) grant(t *testing.T, c *kit.Consumer, n int) []string {
	t.Helper()
	var granted, topics []string
	var commands []messages.Map
	for i := range n {
		topics = append(topics, fmt.Sprint("many/", i, "/x"))
		commands = append(commands, kit.Subscribe(fmt.Sprint("many/", i, "/+"), c.Group, 1))
	}
	for deadline := time.Now().Add(5 * time.Minute); len(commands) > 0 && time.Now().Before(deadline); {
		var late []messages.Map
		var lateTopics []string
		for i, answer := range c.Ask(2*soon, commands...) {
			switch {
			case value(answer, "type") == "mqtt.subscribed":
				granted = append(granted, topics[i])
			case value(answer, "code") == "timeout":
				late, lateTopics = append(late, commands[i]), append(lateTopics, topics[i])
			}
		}
		commands, topics = late, lateTopics
	}
	return granted
}
