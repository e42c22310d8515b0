package kit_test

import (
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// Each broker carries a message, and does so again after a kill.
func TestBrokers(t *testing.T) {
	brokers := map[string]func(t *testing.T) (broker *kit.BrokerServer, addr string){
		"RabbitMQ": func(t *testing.T) (*kit.BrokerServer, string) { return and(kit.RabbitMQ(t)) },
		"nats":     func(t *testing.T) (*kit.BrokerServer, string) { return and(kit.Nats(t)) },
		"amqtt":    func(t *testing.T) (*kit.BrokerServer, string) { return and(kit.Amqtt(t)) },
		"Artemis":  func(t *testing.T) (*kit.BrokerServer, string) { return and(kit.Artemis(t)) },
		"rumqttd": func(t *testing.T) (*kit.BrokerServer, string) {
			broker := kit.Rumqttd(t)
			return broker.BrokerServer, broker.Addr311()
		},
	}
	for name, start := range brokers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker, addr := start(t)
			device := kit.NewDevice(t, addr)
			device.Listen("kit/#", 1)
			carries := func() {
				heard := len(device.Heard())
				kit.Eventually(t, time.Minute, "a message comes through", func() bool {
					device.Publish("kit/hello", 1, "hello").WaitTimeout(time.Second)
					return len(device.Heard()) > heard
				})
			}
			carries()
			broker.Kill()
			broker.Start()
			carries()
		})
	}
}

func and(b *kit.BrokerServer) (*kit.BrokerServer, string) { return b, b.Addr() }
