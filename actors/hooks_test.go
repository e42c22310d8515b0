package actors_test

import (
	"context"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/probe"
)

// brokerHook lets a test come between the actors and the broker.
type brokerHook struct {
	*probe.Broker
	dialed func(actors.Conn, actors.Sink) actors.Conn
	ack    func()
}

// Ack implements the port.
func (h *brokerHook) Ack(seqs ...uint64) {
	if h.ack != nil {
		h.ack()
	}
	h.Broker.Ack(seqs...)
}

// Dial implements the port.
func (h *brokerHook) Dial(ctx context.Context, v messages.Version, s actors.Sink) (actors.Conn, error) {
	live, err := h.Broker.Dial(ctx, v, s)
	if err == nil && h.dialed != nil {
		live = h.dialed(live, s)
	}
	return live, err
}

// layerHook lets a test come between the actors and the layer.
type layerHook struct {
	*probe.Layer
	deadLetter func() error
	send       func(*messages.Outcome)
}

// AddDeadLetters implements the port.
func (h *layerHook) AddDeadLetters(ctx context.Context, b []messages.DeadLetter) error {
	if h.deadLetter != nil {
		return h.deadLetter()
	}
	return h.Layer.AddDeadLetters(ctx, b)
}

// Send implements the port.
func (h *layerHook) Send(ctx context.Context, b *messages.Batch) (messages.Outcome, error) {
	o, err := h.Layer.Send(ctx, b)
	if h.send != nil && err == nil {
		h.send(&o)
	}
	return o, err
}
