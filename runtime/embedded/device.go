package embedded

import (
	"errors"
	"slices"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// errStopped says that the broker is stopped.
var errStopped = errors.New("the embedded broker is stopped")

// Publish publishes as a client would, at QoS 0.
func (b *BrokerServer) Publish(topic string, payload []byte, retain bool) error {
	b.mu.Lock()
	server := b.server
	b.mu.Unlock()
	if server == nil {
		return errStopped
	}
	return server.Publish(topic, payload, retain, 0)
}

// listener is one that receives what is published.
type listener struct {
	filter  string
	receive func(topic string, payload []byte)
}

// Listen calls receive with what is published to topics that a filter matches, also
// when the broker was stopped and started. It must not wait, nor publish.
func (b *BrokerServer) Listen(filter string, receive func(topic string, payload []byte)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := listener{filter, receive}
	b.listeners = append(slices.Clone(b.listeners), l)
	if b.server == nil {
		return nil
	}
	return l.subscribe(b.server, len(b.listeners))
}

// again subscribes all listeners at a new server.
func (b *BrokerServer) again(server *mqtt.Server) error {
	for i, l := range b.listeners {
		if err := l.subscribe(server, i+1); err != nil {
			return err
		}
	}
	return nil
}

func (l listener) subscribe(server *mqtt.Server, id int) error {
	return server.Subscribe(l.filter, id, func(_ *mqtt.Client, _ packets.Subscription, p packets.Packet) {
		l.receive(p.TopicName, p.Payload)
	})
}
