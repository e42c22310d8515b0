package kit

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Device is an MQTT 3.1.1 client that is none of ours, with a session that the
// broker stores. It reconnects by itself, sends again in order what the broker has
// not acknowledged, and subscribes again. Each connection has a client of its own:
// the library's reconnecting races with its resending.
type Device struct {
	t         testing.TB
	addr, id  string
	hear      func(Heard)
	connected chan struct{} // closed at the first connection
	ended     chan struct{}

	mu      sync.Mutex
	client  paho.Client // nil: not connected
	wants   []wanted
	number  int64   // of the last message
	pending []*Sent // not acknowledged, in order
	work    *sync.Cond
	heard   []Heard
}

// wanted is a filter that a device subscribes to.
type wanted struct {
	filter string
	qos    byte
}

// Heard is a message that a device received.
type Heard struct {
	Topic   string
	Payload string
	QoS     byte
	Retain  bool
}

// Sent is a message that a device sends.
type Sent struct {
	number         int64
	topic, payload string
	qos            byte
	retain         bool
	done           chan struct{}
}

// Wait returns when the broker has the message (QoS 1, 2) or it is written (QoS 0).
func (s *Sent) Wait() { <-s.done }

// WaitTimeout is Wait for at most d, and says whether the broker has the message.
func (s *Sent) WaitTimeout(d time.Duration) bool {
	select {
	case <-s.done:
		return true
	case <-time.After(d):
		return false
	}
}

var devices atomic.Int64

// NewDevice connects a device to a broker ("127.0.0.1:1883"); it is gone when
// the test ends.
func NewDevice(t testing.TB, addr string) *Device { return NewListener(t, addr, nil) }

// NewListener is NewDevice for one that hands over what it hears, message by
// message, instead of keeping it for Heard.
func NewListener(t testing.TB, addr string, hear func(Heard)) *Device {
	t.Helper()
	d := &Device{
		t: t, addr: addr, id: fmt.Sprintf("device-%d", devices.Add(1)), hear: hear,
		connected: make(chan struct{}), ended: make(chan struct{}),
	}
	if d.work = sync.NewCond(&d.mu); hear == nil {
		d.hear = d.keep
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		d.run()
	}()
	t.Cleanup(func() {
		close(d.ended)
		<-stopped
	})
	select {
	case <-d.connected:
	case <-time.After(waitLimit):
		t.Fatalf("connecting a device to %s: no connection in %v", addr, waitLimit)
	}
	return d
}

// run keeps the device connected until it ends.
func (d *Device) run() {
	first := sync.OnceFunc(func() { close(d.connected) })
	for {
		d.connection(first)
		select {
		case <-d.ended:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// connection is one connection, from its attempt to its loss.
func (d *Device) connection(up func()) {
	lost := make(chan struct{})
	client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + d.addr).SetClientID(d.id).
		SetCleanSession(false).SetAutoReconnect(false).SetKeepAlive(10 * time.Second).SetConnectTimeout(5 * time.Second).
		SetOrderMatters(true).SetConnectionLostHandler(func(paho.Client, error) { close(lost) }).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
			d.hear(Heard{m.Topic(), string(m.Payload()), m.Qos(), m.Retained()})
		}))
	defer client.Disconnect(0)
	if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		return
	}
	d.use(client)
	defer d.use(nil)
	if !d.subscribeAll(client) {
		return
	}
	up()
	go d.send(client, lost)
	select {
	case <-lost:
	case <-d.ended:
	}
}

// use tells which client is connected.
func (d *Device) use(client paho.Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.client = client
	d.work.Broadcast()
}

// subscribeAll subscribes to everything, also at a broker that has lost the session.
func (d *Device) subscribeAll(client paho.Client) bool {
	d.mu.Lock()
	wants := append([]wanted(nil), d.wants...)
	d.mu.Unlock()
	for _, w := range wants {
		if token := client.Subscribe(w.filter, w.qos, nil); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
			return false
		}
	}
	return true
}

// send sends what is pending, in order, until the connection is lost.
func (d *Device) send(client paho.Client, lost <-chan struct{}) {
	for last := int64(0); ; {
		s := d.next(client, last)
		if s == nil {
			return
		}
		last = s.number
		token := client.Publish(s.topic, s.qos, s.retain, s.payload)
		go func() {
			select {
			case <-token.Done():
				if token.Error() == nil {
					d.acknowledged(s)
				}
			case <-lost: // the library leaves the token open
			}
		}()
	}
}

// next waits for the first message after a number; nil where the connection is over.
func (d *Device) next(client paho.Client, last int64) *Sent {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.client == client {
		if i := d.index(last + 1); i < len(d.pending) {
			return d.pending[i]
		}
		d.work.Wait()
	}
	return nil
}

// index is where the first pending message of at least this number stands.
func (d *Device) index(number int64) int {
	i, _ := slices.BinarySearchFunc(d.pending, number, func(s *Sent, n int64) int { return cmp.Compare(s.number, n) })
	return i
}

func (d *Device) acknowledged(s *Sent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.index(s.number); i < len(d.pending) && d.pending[i] == s {
		d.pending = slices.Delete(d.pending, i, i+1)
		close(s.done)
	}
}

// Listen subscribes; what comes is found in Heard.
func (d *Device) Listen(filter string, qos byte) {
	d.t.Helper()
	d.mu.Lock()
	d.wants = append(d.wants, wanted{filter, qos})
	d.mu.Unlock()
	Eventually(d.t, 20*time.Second, "a device is subscribed to "+filter, func() bool {
		d.mu.Lock()
		client := d.client
		d.mu.Unlock()
		if client == nil {
			return false
		}
		token := client.Subscribe(filter, qos, nil)
		return token.WaitTimeout(10*time.Second) && token.Error() == nil
	})
}

func (d *Device) keep(h Heard) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heard = append(d.heard, h)
}

// Heard is what came so far, in order.
func (d *Device) Heard() []Heard {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Heard(nil), d.heard...)
}

// Publish sends without waiting.
func (d *Device) Publish(topic string, qos byte, payload string) *Sent {
	return d.enqueue(&Sent{topic: topic, qos: qos, payload: payload})
}

// Keep sends a retained message without waiting.
func (d *Device) Keep(topic string, qos byte, payload string) *Sent {
	return d.enqueue(&Sent{topic: topic, qos: qos, payload: payload, retain: true})
}

// Retain sends a retained message and waits until the broker has it.
func (d *Device) Retain(topic string, payload string) {
	d.t.Helper()
	if !d.Keep(topic, 1, payload).WaitTimeout(waitLimit) {
		d.t.Fatalf("publishing to %s: no acknowledgement in %v", topic, waitLimit)
	}
}

func (d *Device) enqueue(s *Sent) *Sent {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.number++
	s.number, s.done = d.number, make(chan struct{})
	d.pending = append(d.pending, s)
	d.work.Signal()
	return s
}
