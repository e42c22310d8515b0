package worker

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// recorder is a layer.Client that notes what is stored, call by call.
type recorder struct {
	layer.Client
	stored      [][]messages.Change
	remembering func() // called while a session is being noted
	fault       error
}

func (r *recorder) ClientID(context.Context, string) (string, error) { return "drawn", nil }

func (r *recorder) Write(_ context.Context, changes []messages.Change) (uint64, error) {
	r.stored = append(r.stored, changes)
	return 0, nil
}

func (r *recorder) RememberSession(_ context.Context, clientID string) error {
	r.stored = append(r.stored, []messages.Change{{Session: clientID}})
	if r.remembering != nil {
		r.remembering()
	}
	return r.fault
}

// Intact holds where all has been noted that is asked for.
func (r *recorder) Intact(_ context.Context, _, session string) (bool, error) {
	return session == "" || r.remembering == nil, nil
}

// A worker that is killed between two writes must not leave subscriptions without
// the session that holds them, nor mark one that the broker may still have to drop.
func TestSubscriptionsAreStoredWithTheirSession(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	held := true
	s := &sessions{Client: r, held: func() bool { return held }, known: new(atomic.Pointer[string])}
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

// While a session is being noted it is not missed: nothing is lost yet.
func TestSessionIsNotMissedBeforeItIsNoted(t *testing.T) {
	t.Parallel()
	r := &recorder{fault: errors.New("no answer")}
	s := &sessions{Client: r, held: func() bool { return true }}
	r.remembering = func() {
		if intact, err := s.Intact(t.Context()); !intact || err != nil {
			t.Errorf("intact %v, %v", intact, err)
		}
	}
	if err := s.RememberSession(t.Context(), "drawn"); err == nil {
		t.Error("noted without an answer")
	}
	if s.inUse.Load() != nil {
		t.Error("in use, and not noted")
	}
}
