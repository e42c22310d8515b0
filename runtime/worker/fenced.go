package worker

import (
	"context"
	"errors"
	"sync"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/slots"
)

// fencedMQTT is the MQTT client of a slot whose lease may end at any time. After that it sends
// nothing until the slot is held again, or ever.
type fencedMQTT struct {
	mqttPort
	slot      int
	fence     *slots.Fence
	takenOver chan struct{}
	once      sync.Once
}

func newFencedMQTT(m mqttPort, slot int, fence *slots.Fence) *fencedMQTT {
	return &fencedMQTT{mqttPort: m, slot: slot, fence: fence, takenOver: make(chan struct{})}
}

// Dial connects once the slot is held.
func (m *fencedMQTT) Dial(ctx context.Context, version messages.Version, sink actors.Sink) (actors.Conn, error) {
	if err := m.fence.Wait(ctx); err != nil {
		return nil, &messages.ConnectionFailure{Doing: "waiting for the lease of the session slot", Err: err}
	}
	s, err := m.mqttPort.Dial(ctx, version, takeoverSink{sink, m})
	if err != nil {
		return nil, err
	}
	return fencedConn{s, m.slot, m.fence}, nil
}

// fencedConn publishes while the slot is held.
type fencedConn struct {
	actors.Conn
	slot  int
	fence *slots.Fence
}

// Publish publishes once the slot is held.
func (s fencedConn) Publish(ctx context.Context, p messages.Publish) error {
	if !s.fence.Open() {
		if err := s.fence.Wait(ctx); err != nil {
			return err
		}
	}
	return s.Conn.Publish(ctx, p)
}

// takeoverSink notices that the session went to another client.
type takeoverSink struct {
	actors.Sink
	mqtt *fencedMQTT
}

// Lost passes the failure on.
func (a takeoverSink) Lost(err error) {
	var f *messages.ConnectionFailure
	if errors.As(err, &f) && f.Cause == messages.TakenOver {
		a.mqtt.once.Do(func() { close(a.mqtt.takenOver) })
	}
	a.Sink.Lost(err)
}
