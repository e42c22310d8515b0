package worker

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// sessions keeps the client id of the session in use. A Redis that has lost its data draws another
// one, or does not know the session any more. The worker goes on with the one that it has, and
// stores it again.
type sessions struct {
	layer.Client
	slot  int
	held  func() bool             // whether this worker holds the slot
	known *atomic.Pointer[string] // the name that a slot of this worker was given last
	name  atomic.Pointer[string]  // drawn
	inUse atomic.Pointer[string]  // that of a session that the broker has
}

// ClientID returns the client id that was drawn first.
func (s *sessions) ClientID(ctx context.Context) (string, error) {
	if name := s.name.Load(); name != nil {
		return *name, nil
	}
	known := ""
	if name := s.known.Load(); name != nil {
		known = *name
	}
	name, err := s.Client.ClientID(ctx, known)
	if err == nil {
		s.name.Store(&name)
		s.known.Store(&name)
	}
	return name, err
}

// RememberSession notes which session is in use. It stores that in Redis first, so that Intact does not
// miss it there.
func (s *sessions) RememberSession(ctx context.Context, clientID string) error {
	err := s.Client.RememberSession(ctx, clientID)
	if err == nil {
		s.inUse.Store(&clientID)
	}
	return err
}

// Intact says whether Redis still holds what the next worker needs: the client id, the session in use,
// and the subscriptions. For a slot that is not held it says yes.
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
	return s.Client.Intact(ctx, name, inUse)
}

// errUnheld is why nothing is stored for a slot that is not held.
var errUnheld = errors.New("this worker does not hold the session slot at the moment")

// Write stores subscriptions together with the session in use. With subscriptions and no session, the
// next worker would make the broker drop a good session, with what waits in it. Only the holder of the
// slot may write.
func (s *sessions) Write(ctx context.Context, changes []messages.Change) (uint64, error) {
	if !s.held() {
		return 0, &messages.LayerFailure{Doing: "storing subscriptions", Err: errUnheld}
	}
	if name := s.inUse.Load(); name != nil {
		changes = append(slices.Clip(changes), messages.Change{Session: *name})
	}
	return s.Client.Write(ctx, changes)
}
