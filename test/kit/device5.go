package kit

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// Device5 is an MQTT 5 client that is none of ours. It has one connection and a
// clean session.
type Device5 struct {
	t      testing.TB
	client *paho.Client
	mu     sync.Mutex
	heard  []*paho.Publish
	answer func(*paho.Publish)
}

// NewDevice5 connects a device to a broker ("127.0.0.1:1883"); it is gone when
// the test ends.
func NewDevice5(t testing.TB, addr string) *Device5 {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("connecting a device to %s: %v", addr, err)
	}
	d := &Device5{t: t}
	d.client = paho.NewClient(paho.ClientConfig{
		Conn: packets.NewThreadSafeConn(conn),
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
			d.receive(r.Packet)
			return true, nil
		}},
	})
	ctx, cancel := d.soon()
	defer cancel()
	_, err = d.client.Connect(ctx, &paho.Connect{ClientID: fmt.Sprintf("device5-%d", devices.Add(1)), CleanStart: true, KeepAlive: 30})
	if err != nil {
		t.Fatalf("connecting a device to %s: %v", addr, err)
	}
	t.Cleanup(func() { _ = d.client.Disconnect(&paho.Disconnect{}) })
	return d
}

func (d *Device5) soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), waitLimit)
}

func (d *Device5) receive(p *paho.Publish) {
	d.mu.Lock()
	d.heard = append(d.heard, p)
	answer := d.answer
	d.mu.Unlock()
	if answer != nil {
		go answer(p) // a handler that publishes would wait for itself
	}
}

// Listen subscribes; what comes is found in Heard.
func (d *Device5) Listen(filter string, qos byte) {
	d.t.Helper()
	ctx, cancel := d.soon()
	defer cancel()
	s := &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: qos}}}
	if _, err := d.client.Subscribe(ctx, s); err != nil {
		d.t.Fatalf("subscribing a device to %s: %v", filter, err)
	}
}

// Heard is what came so far, in order.
func (d *Device5) Heard() []*paho.Publish {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*paho.Publish(nil), d.heard...)
}

// Publish sends and waits until the broker has it.
func (d *Device5) Publish(p *paho.Publish) {
	d.t.Helper()
	ctx, cancel := d.soon()
	defer cancel()
	if _, err := d.client.Publish(ctx, p); err != nil {
		d.t.Errorf("publishing to %s: %v", p.Topic, err)
	}
}

// Answer makes the device respond to all requests on a topic, where they ask it
// to (MQTT 5, 4.10), with the payload that the function makes of theirs.
func (d *Device5) Answer(topic string, respond func(payload string) string) {
	d.t.Helper()
	d.mu.Lock()
	d.answer = func(p *paho.Publish) {
		if p.Topic != topic || p.Properties.ResponseTopic == "" {
			return
		}
		d.Publish(&paho.Publish{
			Topic: p.Properties.ResponseTopic, QoS: 1, Payload: []byte(respond(string(p.Payload))),
			Properties: &paho.PublishProperties{CorrelationData: p.Properties.CorrelationData},
		})
	}
	d.mu.Unlock()
	d.Listen(topic, 1)
}
