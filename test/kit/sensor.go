package kit

import (
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Sensor is a device that only sends, one message at a time, and each again
// until the broker has acknowledged it: whatever breaks, its messages reach the
// broker in order. A Device does not promise that: after a loss its library
// sends what is new before what it has stored.
type Sensor struct {
	t      testing.TB
	client paho.Client
	ended  chan struct{}
}

// NewSensor connects a sensor; it is gone when the test ends.
func NewSensor(t testing.TB, addr string) *Sensor {
	t.Helper()
	s := &Sensor{t: t, ended: make(chan struct{})}
	s.client = paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).
		SetCleanSession(true).SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond).
		SetMaxReconnectInterval(200 * time.Millisecond))
	if token := s.client.Connect(); !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		t.Fatalf("connecting a sensor to %s: %v", addr, token.Error())
	}
	t.Cleanup(func() {
		close(s.ended)
		s.client.Disconnect(0)
	})
	return s
}

// Send returns when the broker has the message, or the test has ended. It may
// be called by one goroutine at a time.
func (s *Sensor) Send(topic string, qos byte, payload string) {
	for {
		if s.client.IsConnectionOpen() {
			token := s.client.Publish(topic, qos, false, payload)
			if token.WaitTimeout(10*time.Second) && token.Error() == nil {
				return
			}
		}
		select {
		case <-s.ended:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}
