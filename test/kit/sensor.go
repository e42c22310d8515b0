package kit

import (
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Sensor is a device that only sends, one message at a time, and each again on
// a new connection until the broker has acknowledged it: whatever breaks, its
// messages reach the broker in order. A Device does not promise that: it has several
// under way, and after a loss may repeat an older one behind a newer.
type Sensor struct {
	addr   string
	client paho.Client // nil: to be connected
	close  sync.Once
	ended  chan struct{}
}

// NewSensor makes a sensor; it is gone when the test ends.
func NewSensor(t testing.TB, addr string) *Sensor {
	t.Helper()
	s := &Sensor{addr: addr, ended: make(chan struct{})}
	t.Cleanup(s.Close)
	return s
}

// Close makes Send return at once, from then on. It may be called again.
func (s *Sensor) Close() { s.close.Do(func() { close(s.ended) }) }

// Send returns when the broker has the message, or the sensor is closed. It may
// be called by one goroutine at a time.
func (s *Sensor) Send(topic string, qos byte, payload string) {
	for !s.try(topic, qos, payload) {
		select {
		case <-s.ended:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// try gives a connection up that does not answer: the library may block in any
// call on one that is dead.
func (s *Sensor) try(topic string, qos byte, payload string) bool {
	acknowledged := make(chan bool, 1)
	client := s.client
	if client == nil {
		client = paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + s.addr).
			SetAutoReconnect(false).SetConnectTimeout(2 * time.Second).SetWriteTimeout(time.Second))
	}
	fresh := s.client == nil
	go func() {
		if fresh {
			if token := client.Connect(); !token.WaitTimeout(2*time.Second) || token.Error() != nil {
				acknowledged <- false
				return
			}
		}
		token := client.Publish(topic, qos, false, payload)
		acknowledged <- token.WaitTimeout(5*time.Second) && token.Error() == nil
	}()
	select {
	case ok := <-acknowledged:
		if ok {
			s.client = client
			return true
		}
	case <-time.After(8 * time.Second):
	case <-s.ended:
	}
	s.client = nil
	go client.Disconnect(0)
	return false
}
