package kit_test

import (
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// Each broker carries a message, and does so again after a kill and after a stop.
func TestBrokers(t *testing.T) {
	brokers := map[string]func(testing.TB) *kit.BrokerServer{
		"RabbitMQ": kit.RabbitMQ,
		"nats":     func(t testing.TB) *kit.BrokerServer { return kit.Nats(t) },
		"amqtt":    kit.Amqtt,
		"rumqttd":  func(t testing.TB) *kit.BrokerServer { return kit.Rumqttd(t, false) },
		"Artemis":  kit.Artemis,
	}
	for name, start := range brokers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := start(t)
			device := kit.NewDevice(t, broker.Addr())
			device.Listen("kit/#", 1)
			for i, again := range []func(){func() {}, broker.Kill, broker.Stop} {
				again()
				if i > 0 {
					broker.Start()
				}
				heard := len(device.Heard())
				kit.Eventually(t, time.Minute, "a message comes through", func() bool {
					device.Publish("kit/hello", 1, "hello").WaitTimeout(time.Second)
					return len(device.Heard()) > heard
				})
			}
		})
	}
}
