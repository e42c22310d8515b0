package worker

import (
	"context"
	"strings"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Subscribe gives shared subscriptions their group name: the client id without the number of the slot,
// which all workers of a site share, and no others.
func (s fencedConn) Subscribe(ctx context.Context, filters []messages.Desired) ([]byte, error) {
	named := make([]messages.Desired, len(filters))
	for i, w := range filters {
		named[i] = w
		named[i].Filter = topic.Named(w.Filter, s.shareName())
	}
	return s.Conn.Subscribe(ctx, named)
}

// Unsubscribe names them as Subscribe does.
func (s fencedConn) Unsubscribe(ctx context.Context, filters []string) error {
	named := make([]string, len(filters))
	for i, f := range filters {
		named[i] = topic.Named(f, s.shareName())
	}
	return s.Conn.Unsubscribe(ctx, named)
}

func (s fencedConn) shareName() string {
	id := s.Info().ClientID
	if s.slot == 0 {
		return id
	}
	return strings.TrimSuffix(id, "-"+messages.SlotName(s.slot))
}
