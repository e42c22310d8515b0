package worker

import (
	"context"
	"sync/atomic"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// sessions keeps the name of the session in use. A Redis that lost its data
// draws another name, or does not know the session any more; this worker goes
// on with the one it has, and has Redis remember it again.
type sessions struct {
	layer.Peer
	name atomic.Pointer[string]
}

// ClientID is the one of the first time.
func (s *sessions) ClientID(ctx context.Context) (string, error) {
	if name := s.name.Load(); name != nil {
		return *name, nil
	}
	name, err := s.Peer.ClientID(ctx)
	if err == nil {
		s.name.Store(&name)
	}
	return name, err
}

// RememberSession notes which session is in use.
func (s *sessions) RememberSession(ctx context.Context, clientID string) error {
	s.name.Store(&clientID)
	return s.Peer.RememberSession(ctx, clientID)
}

// Store stores subscriptions, and that the session in use holds them.
func (s *sessions) Store(ctx context.Context, changes []messages.Change) error {
	if err := s.Peer.Store(ctx, changes); err != nil {
		return err
	}
	if name := s.name.Load(); name != nil {
		return s.Peer.RememberSession(ctx, *name)
	}
	return nil
}
