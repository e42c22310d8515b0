package worker

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// sessions keeps the name of the session in use. A Redis that lost its data
// draws another name, or does not know the session any more; this worker goes
// on with the one it has, and has Redis remember it again.
type sessions struct {
	layer.Peer
	slot  int
	held  func() bool            // whether this worker holds the slot
	name  atomic.Pointer[string] // drawn
	inUse atomic.Pointer[string] // and the broker has it as we want it
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

// RememberSession notes which session is in use, first in Redis: it is not to be missed there
// meanwhile.
func (s *sessions) RememberSession(ctx context.Context, clientID string) error {
	err := s.Peer.RememberSession(ctx, clientID)
	if err == nil {
		s.inUse.Store(&clientID)
	}
	return err
}

// Intact says whether Redis still holds what the next worker has to know: the client id,
// the session in use, and what is stored. Of a slot that is not held nothing is doubted.
func (s *sessions) Intact(ctx context.Context) (bool, error) {
	if !s.held() {
		return true, nil
	}
	var name, inUse string
	if n := s.name.Load(); n != nil {
		name = *n
	}
	if n := s.inUse.Load(); n != nil {
		inUse = *n
	}
	return s.Peer.Intact(ctx, name, inUse)
}

// errUnheld is why nothing is stored for a slot.
var errUnheld = errors.New("this worker does not hold the session slot at the moment")

// Write stores subscriptions together with the session in use that holds them:
// with the one and without the other, the next worker would have the broker drop
// a session that is good, and what waits in it. What is stored counts for whoever
// holds the slot, who alone may change it.
func (s *sessions) Write(ctx context.Context, changes []messages.Change) (uint64, error) {
	if !s.held() {
		return 0, &messages.LayerFailure{Doing: "storing subscriptions", Err: errUnheld}
	}
	if name := s.inUse.Load(); name != nil {
		changes = append(slices.Clip(changes), messages.Change{Session: *name})
	}
	return s.Peer.Write(ctx, changes)
}
