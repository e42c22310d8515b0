package e2e_test

import (
	"strings"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// TestQoSThatTheBrokerDoesNotTake: who asks for no QoS gets what the broker takes, and is
// told which; who asks for more is refused, and nobody is sent to the broker's access rules.
func TestQoSThatTheBrokerDoesNotTake(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t, "max_qos 1", "max_packet_size 20000")
	worker := run(t, redis, broker.URL())
	s := (&deployment{place: place{v5: true}, redis: redis, broker: broker.Addr(), worker: worker}).testCase(t)
	listener := kit.NewDevice(t, s.broker)
	listener.Listen(s.topic, 1)
	publish := messages.Map{pair("type", "mqtt.publish"), pair("publish", messages.Map{pair("topic", s.topic), pair("payload", "x")})}
	if answer := s.succeeds(publish, "mqtt.published"); value(answer, "qos") != int64(1) {
		t.Errorf("answered %v, want qos 1", answer)
	}
	if answer := s.succeeds(kit.Publish(s.topic, "y", 0), "mqtt.published"); value(answer, "qos") != int64(0) {
		t.Errorf("answered %v, want qos 0", answer)
	}
	s.await("both publishes", func() bool { return len(listener.Heard()) == 2 })
	s.fails(kit.Publish(s.topic, "z", 2), "refused")
	s.fails(kit.Publish(s.topic, strings.Repeat("x", 30_000), 1), "too-large")
	worker.Stop()
	for _, want := range []string{"publish with a lower qos", "send less"} {
		if !strings.Contains(worker.Output(), want) {
			t.Errorf("the log does not advise to %q", want)
		}
	}
	if strings.Contains(worker.Output(), "access rules") || strings.Contains(worker.Output(), "the broker refused it") {
		t.Error("the log blames the broker for what was never sent")
	}
}
