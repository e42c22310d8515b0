package worker

import (
	"context"
	"reflect"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// recorder is a Peer that notes what is stored, call by call.
type recorder struct {
	layer.Peer
	stored [][]messages.Change
}

func (r *recorder) ClientID(context.Context) (string, error) { return "drawn", nil }

func (r *recorder) Write(ctx context.Context, changes []messages.Change) (uint64, error) {
	return 0, r.Store(ctx, changes)
}

func (r *recorder) Store(_ context.Context, changes []messages.Change) error {
	r.stored = append(r.stored, changes)
	return nil
}

// A worker that is killed between two writes must not leave subscriptions without
// the session that holds them, nor mark one that the broker may still have to drop.
func TestSubscriptionsAreStoredWithTheirSession(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	held := true
	s := &sessions{Peer: r, held: func() bool { return held }}
	if _, err := s.ClientID(t.Context()); err != nil {
		t.Fatal(err)
	}
	change := messages.Change{Leaving: "a"}
	_, _ = s.Write(t.Context(), []messages.Change{change})
	_ = s.RememberSession(t.Context(), "drawn")
	_, _ = s.Write(t.Context(), []messages.Change{change})
	held = false
	if _, err := s.Write(t.Context(), []messages.Change{change}); err == nil {
		t.Error("stored for a slot that is another's")
	}
	session := messages.Change{Session: "drawn"}
	want := [][]messages.Change{{change}, {session}, {change, session}}
	if !reflect.DeepEqual(r.stored, want) {
		t.Errorf("stored %v, want %v", r.stored, want)
	}
}
