package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"chanmqttproxy/test/kit"
)

// TestOversizedMessages: one message of 100 MB costs nobody anything, and of very many user
// properties there come as many as may.
func TestOversizedMessages(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"50", "311"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			redis, broker := kit.Redis(t), kit.Mosquitto(t)
			worker := run(t, redis, broker.URL(), "MQTT_VERSION="+version)
			s := (&deployment{redis: redis, broker: broker.Addr(), worker: worker}).testCase(t)
			s.subscribes(s.topic)
			device := s.device()
			if !device.Publish(s.topic, 1, strings.Repeat("x", 100<<20)).WaitTimeout(time.Minute) {
				t.Fatal("the broker did not take 100 MB")
			}
			device.Publish(s.topic, 1, "small")
			s.expect(s.topic + "=small")
			crowded := &paho.Publish{Topic: s.topic, QoS: 1, Payload: []byte("crowded"), Properties: &paho.PublishProperties{}}
			for i := range 2000 {
				crowded.Properties.User.Add("number", fmt.Sprint(i))
			}
			kit.NewDevice5(t, s.broker).Publish(crowded)
			s.expect(s.topic+"=small", s.topic+"=crowded")
			if version == "50" {
				properties := fmt.Sprint(value(kit.Event(t, last(s.mqttMessages())), "properties"))
				if !strings.Contains(properties, "999") || strings.Contains(properties, "1000") {
					t.Errorf("of 2000 user properties came %s", properties)
				}
			}
			worker.Stop()
			if told := strings.Contains(worker.Output(), "larger than MQTT_MAX_PACKET"); told != (version == "311") {
				t.Errorf("it is %v that the log tells of an oversized message", told)
			}
			if !strings.Contains(worker.Output(), " connects=1 ") {
				t.Error("the worker connected more than once")
			}
		})
	}
}
