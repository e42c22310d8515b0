package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	paho5 "github.com/eclipse/paho.golang/paho"
	paho3 "github.com/eclipse/paho.mqtt.golang"
)

// connection is one live connection of a device, whatever it speaks.
type connection interface {
	// publish sends a message and waits until the broker has it (QoS 1) or it
	// was written (QoS 0).
	publish(ctx context.Context, topic string, qos byte, payload string) error
	close()
}

// device publishes and does not rest until the broker has it, over as many
// connections as it takes. It keeps no session: what it repeats is a new
// message to the broker.
type device struct {
	dial func(context.Context) (connection, error)
	mu   sync.Mutex
	live connection
}

// newDevice makes a device that speaks MQTT 5, or 3.1.1, to the broker that is at an
// address when it connects.
func newDevice(addr func() string, id string, five bool) *device {
	dial := dial3
	if five {
		dial = dial5
	}
	return &device{dial: func(ctx context.Context) (connection, error) { return dial(ctx, addr(), id) }}
}

// publish returns an error only when ctx ends.
func (d *device) publish(ctx context.Context, topic string, qos byte, payload string) error {
	for {
		c, err := d.connected(ctx)
		if err == nil {
			err = d.try(ctx, c, topic, qos, payload)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// try gives the connection up where the broker does not answer in time.
func (d *device) try(ctx context.Context, c connection, topic string, qos byte, payload string) error {
	within, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := c.publish(within, topic, qos, payload)
	if err != nil {
		d.drop(c)
	}
	return err
}

func (d *device) connected(ctx context.Context) (connection, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.live != nil {
		return d.live, nil
	}
	within, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := d.dial(within)
	if err == nil {
		d.live = c
	}
	return c, err
}

func (d *device) drop(c connection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.live == c {
		d.live = nil
	}
	c.close()
}

func (d *device) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.live != nil {
		d.live.close()
	}
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// speaks5 is a connection that speaks MQTT 5.
type speaks5 struct{ client *paho5.Client }

func dial5(ctx context.Context, addr, id string) (connection, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := paho5.NewClient(paho5.ClientConfig{Conn: conn})
	if _, err := c.Connect(ctx, &paho5.Connect{ClientID: id, CleanStart: true, KeepAlive: 10}); err != nil {
		conn.Close()
		return nil, err
	}
	return speaks5{c}, nil
}

func (c speaks5) publish(ctx context.Context, topic string, qos byte, payload string) error {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // a lost connection answers nothing
		select {
		case <-c.client.Done():
			cancel()
		case <-within.Done():
		}
	}()
	_, err := c.client.Publish(within, &paho5.Publish{Topic: topic, QoS: qos, Payload: []byte(payload)})
	return err
}

func (c speaks5) close() { _ = c.client.Disconnect(&paho5.Disconnect{}) }

// speaks3 is a connection that speaks MQTT 3.1.1.
type speaks3 struct {
	client paho3.Client
	lost   chan struct{}
}

func dial3(ctx context.Context, addr, id string) (connection, error) {
	c := speaks3{lost: make(chan struct{})}
	c.client = paho3.NewClient(paho3.NewClientOptions().AddBroker("tcp://" + addr).SetClientID(id).
		SetAutoReconnect(false).SetConnectRetry(false).SetKeepAlive(10 * time.Second).SetConnectTimeout(5 * time.Second).
		SetConnectionLostHandler(func(paho3.Client, error) { close(c.lost) }))
	return c, c.wait(ctx, c.client.Connect())
}

func (c speaks3) publish(ctx context.Context, topic string, qos byte, payload string) error {
	return c.wait(ctx, c.client.Publish(topic, qos, false, payload))
}

func (c speaks3) wait(ctx context.Context, token paho3.Token) error {
	select {
	case <-token.Done():
		return token.Error()
	case <-c.lost:
		return errors.New("connection lost")
	case <-ctx.Done():
		return fmt.Errorf("no answer: %w", ctx.Err())
	}
}

func (c speaks3) close() { c.client.Disconnect(0) }
