package kit

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Device is an MQTT 3.1.1 client that is none of ours, with a session that the
// broker stores. It reconnects by itself.
type Device struct {
	t      testing.TB
	client paho.Client
	mu     sync.Mutex
	wants  map[string]byte
	heard  []Heard
}

// Heard is a message that a device received.
type Heard struct {
	Topic   string
	Payload string
	QoS     byte
	Retain  bool
}

var devices atomic.Int64

// NewDevice connects a device to a broker ("127.0.0.1:1883"); it is gone when
// the test ends.
func NewDevice(t testing.TB, addr string) *Device {
	t.Helper()
	d := &Device{t: t, wants: map[string]byte{}}
	o := paho.NewClientOptions().AddBroker("tcp://" + addr).
		SetClientID(fmt.Sprintf("device-%d", devices.Add(1))).
		SetCleanSession(false).
		SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond).
		SetMaxReconnectInterval(200 * time.Millisecond).SetOrderMatters(true).
		SetDefaultPublishHandler(d.hear).SetOnConnectHandler(func(paho.Client) { d.subscribe() })
	d.client = paho.NewClient(o)
	if token := d.client.Connect(); !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		t.Fatalf("connecting a device to %s: %v", addr, token.Error())
	}
	t.Cleanup(func() { d.client.Disconnect(0) })
	return d
}

// Listen subscribes; what comes is found in Heard.
func (d *Device) Listen(filter string, qos byte) {
	d.t.Helper()
	d.mu.Lock()
	d.wants[filter] = qos
	d.mu.Unlock()
	token := d.subscribe()
	if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		d.t.Fatalf("subscribing a device to %s: %v", filter, token.Error())
	}
}

// subscribe asks for everything, also of a broker that has lost the session.
func (d *Device) subscribe() paho.Token {
	d.mu.Lock()
	wants := maps.Clone(d.wants)
	d.mu.Unlock()
	if len(wants) == 0 {
		return &paho.DummyToken{}
	}
	return d.client.SubscribeMultiple(wants, nil)
}

func (d *Device) hear(_ paho.Client, m paho.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heard = append(d.heard, Heard{m.Topic(), string(m.Payload()), m.Qos(), m.Retained()})
}

// Heard is what came so far, in order.
func (d *Device) Heard() []Heard {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Heard(nil), d.heard...)
}

// Publish sends without waiting; the token tells when the broker has it.
func (d *Device) Publish(topic string, qos byte, payload string) paho.Token {
	return d.client.Publish(topic, qos, false, payload)
}

// Retain sends a retained message and waits until the broker has it.
func (d *Device) Retain(topic string, payload string) {
	d.t.Helper()
	token := d.client.Publish(topic, 1, true, payload)
	if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		d.t.Fatalf("publishing to %s: %v", topic, token.Error())
	}
}

// Keep sends a retained message without waiting.
func (d *Device) Keep(topic string, qos byte, payload string) paho.Token {
	return d.client.Publish(topic, qos, true, payload)
}
