package throttle_test

import (
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors/stats"
	"chanmqttproxy/actors/throttle"
	"chanmqttproxy/messages"
)

var (
	begin  = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	alerts = messages.Target{Kind: messages.Group, Name: "alerts"}
)

func deliver(seq int, topic string) messages.Deliver {
	return messages.Deliver{Target: alerts, Weight: 1, Token: messages.Token{Seq: uint64(seq)}, Event: messages.Event{Message: &messages.Message{Topic: topic}}}
}

func seqs(list []messages.Deliver) (got []uint64) {
	for _, m := range list {
		got = append(got, m.Token.Seq)
	}
	return got
}

func made(limit int64) (*throttle.Throttle, *stats.Stats) {
	s := &stats.Stats{}
	return throttle.New(s, stats.Budget{Held: &s.WaitingBytes, Limit: limit}), s
}

// TestTake: the first of a topic passes, then only the newest in each second.
func TestTake(t *testing.T) {
	t.Parallel()
	x, s := made(1 << 20)
	for i, step := range []struct {
		at     time.Duration
		topic  string // "": time passes
		least  time.Duration
		passes bool
		due    []uint64
	}{
		{0, "a", time.Second, true, nil},
		{0, "b", time.Second, true, nil},
		{100 * time.Millisecond, "a", time.Second, false, nil},
		{200 * time.Millisecond, "a", time.Second, false, nil},
		{999 * time.Millisecond, "", 0, false, nil},
		{time.Second, "", 0, false, []uint64{3}},
		{1100 * time.Millisecond, "a", time.Second, false, nil},
		{1200 * time.Millisecond, "a", 0, true, nil}, // the target asks for all now
	} {
		now := begin.Add(step.at)
		if step.topic == "" {
			if got := seqs(x.Due(now)); !slices.Equal(got, step.due) {
				t.Errorf("%d: due %v, want %v", i, got, step.due)
			}
		} else if got := x.Take(deliver(i, step.topic), step.least, now); got != step.passes {
			t.Errorf("%d: passes: %v", i, got)
		}
	}
	x.Due(begin.Add(time.Hour))
	if !x.Idle() || !x.Next().IsZero() || s.WaitingBytes.Load() != 0 || s.Paced.Load() != 0 || s.Replaced.Load() != 2 {
		t.Errorf("%d bytes, %d held, %d replaced", s.WaitingBytes.Load(), s.Paced.Load(), s.Replaced.Load())
	}
}

// TestRelease: what is held comes out in the order in which it came.
func TestRelease(t *testing.T) {
	t.Parallel()
	x, _ := made(1 << 20)
	for i, topic := range []string{"c", "b", "a", "b", "c", "a"} {
		x.Take(deliver(i, topic), time.Hour, begin)
	}
	if next := x.Next(); !next.Equal(begin.Add(time.Hour)) {
		t.Errorf("next at %v", next)
	}
	if got := seqs(x.Release(func(messages.Target) bool { return false })); got != nil {
		t.Errorf("of nobody: %v", got)
	}
	if got := seqs(x.Release(func(messages.Target) bool { return true })); !slices.Equal(got, []uint64{3, 4, 5}) || !x.Idle() {
		t.Errorf("got %v", got)
	}
}

// TestMemory: a topic for which there is no room is not held back.
func TestMemory(t *testing.T) {
	t.Parallel()
	x, _ := made(100)
	x.Take(deliver(1, "a"), time.Hour, begin)
	if !x.Take(deliver(2, "b"), time.Hour, begin) || !x.Take(deliver(3, "b"), time.Hour, begin) {
		t.Error("held back")
	}
}
