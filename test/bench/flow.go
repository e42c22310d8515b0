package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// A flow is numbered messages of a device to many topics, and when each came to where
// they are to come.
type flow struct {
	ctx    context.Context
	device *paho.Client
	name   string
	qos    byte
	began  time.Time

	mu       sync.Mutex
	sent     []time.Duration // since began, by number
	arrivals []arrival
	came     chan struct{} // has one when something has come since it was looked at
	failed   error         // of reading
}

// arrival is that of one message, since the flow began.
type arrival struct {
	number int
	at     time.Duration
}

// newFlow is a connected device that has sent nothing yet.
func (r *rig) newFlow(qos byte) (*flow, error) {
	name := "bench-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	f := &flow{ctx: r.ctx, name: name, qos: qos, began: time.Now(), came: make(chan struct{}, 1)}
	conn, err := net.Dial("tcp", "127.0.0.1:"+r.mqtt)
	if err != nil {
		return nil, err
	}
	f.device = paho.NewClient(paho.ClientConfig{Conn: conn})
	if _, err = f.device.Connect(r.ctx, &paho.Connect{ClientID: name, CleanStart: true, KeepAlive: 30}); err != nil {
		return nil, fmt.Errorf("connecting a device to the broker: %w", err)
	}
	return f, nil
}

func (f *flow) close() { _ = f.device.Disconnect(&paho.Disconnect{}) }

func (f *flow) topic(n int) string { return f.name + "/" + strconv.Itoa(n%flowTopics) }

// note has come what was sent with this text. The flow is locked.
func (f *flow) note(payload string, at time.Duration) {
	n, err := strconv.Atoi(payload)
	if err != nil {
		return
	}
	f.arrivals = append(f.arrivals, arrival{n, at})
	select {
	case f.came <- struct{}{}:
	default:
	}
}

// publish sends messages for a while, so many a second. One that is late for its moment
// does not make others late.
func (f *flow) publish(rate int, d time.Duration) error {
	for start, i := time.Now(), 0; ; i++ {
		due := time.Duration(i) * time.Second / time.Duration(rate)
		if due >= d {
			return nil
		}
		time.Sleep(time.Until(start.Add(due)))
		if err := f.publishNext(); err != nil {
			return err
		}
	}
}

// publishWithin sends messages for a while, as fast as they come: so many at most are
// under way.
func (f *flow) publishWithin(window int, d time.Duration) error {
	for end := time.Now().Add(d); time.Now().Before(end); {
		if f.underWay() < window {
			if err := f.publishNext(); err != nil {
				return err
			}
			continue
		}
		select {
		case <-f.came:
		case <-time.After(settleTimeout):
			return errors.New("no message came through any more")
		}
	}
	return nil
}

func (f *flow) underWay() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sent) - len(f.arrivals)
}

// publishNext sends the next message. It does not wait for the broker.
func (f *flow) publishNext() error {
	f.mu.Lock()
	n := len(f.sent)
	f.sent = append(f.sent, time.Since(f.began))
	f.mu.Unlock()
	_, err := f.device.PublishWithOptions(f.ctx, &paho.Publish{Topic: f.topic(n), QoS: f.qos, Payload: []byte(strconv.Itoa(n))},
		paho.PublishOptions{Method: paho.PublishMethod_AsyncSend})
	if err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	return nil
}

// wait waits until something is true of the flow.
func (f *flow) wait(most time.Duration, is func() bool) bool {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		f.mu.Lock()
		done := is()
		f.mu.Unlock()
		if done {
			return true
		}
	}
	return false
}

// allCame says whether as many came as were sent.
func (f *flow) allCame() bool { return len(f.arrivals) >= len(f.sent) }
