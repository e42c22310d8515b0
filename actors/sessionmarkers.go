package actors

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
)

// sessionMarkers publishes the markers of a session: see placement.Markers.
type sessionMarkers struct {
	slot   int
	health *health
	mirror *mirror
	router Ref[messages.ToRouter]
	lost   atomic.Int32 // connections in a row that ended after a Resubscribing marker, before the next answer
}

// resubscribingLosses is how many of them there may be: some brokers close the connection of a client
// that publishes what it may not.
const resubscribingLosses = 3

// subscribeFirst subscribes to filters that are to be unsubscribed, if the broker has kept the
// session and the version is 3.1.1: RabbitMQ 3.10 forgets with a connection which filters its session
// has. It then answers an UNSUBSCRIBE, but goes on with the filters. A Resubscribing marker goes before.
func (m *sessionMarkers) subscribeFirst(ctx context.Context, live Conn, filters []string) error {
	if info := live.Info(); !info.Present || info.Version != messages.MQTT311 {
		return nil
	}
	if m.health.several.Load() && m.lost.Load() < resubscribingLosses {
		m.lost.Add(1)
		var marker placement.Resubscribing
		m.mirror.read(func(v *placement.View) { marker = v.Resubscribing(m.slot, filters) })
		if err := m.publish(ctx, live, marker.String()); err != nil {
			return err
		}
	}
	wants := make([]messages.Desired, len(filters))
	for i, filter := range filters {
		wants[i] = messages.Desired{Filter: filter, QoS: 1}
	}
	_, err := live.Subscribe(ctx, wants)
	if err == nil {
		m.lost.Store(0)
	}
	return err
}

// publish subscribes to the session's own markers, and publishes one.
func (m *sessionMarkers) publish(ctx context.Context, live Conn, marker string) error {
	topic := messages.MarkerTopics + url.QueryEscape(live.Info().ClientID)
	codes, err := live.Subscribe(ctx, []messages.Desired{{Filter: topic, QoS: 1}})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil // as a marker that does not come back
	case err != nil:
		return err
	case codes[0] >= messages.ReasonUnspecified:
		m.router.Tell(unmarked(codes[0]))
		return nil
	}
	return live.Publish(ctx, messages.Publish{Receipt: markerReceipt + messages.Receipt(marker), Message: &messages.Message{Topic: topic, Payload: []byte(marker), QoS: 1}})
}

// markerReceipt begins the receipts of markers. Each has its own: a publish with the receipt of
// one that is in flight is taken for a repetition.
const markerReceipt messages.Receipt = "marker "

func unmarked(code byte) messages.Unmarked {
	return messages.Unmarked{Reason: fmt.Sprintf("code 0x%02x", code)}
}
