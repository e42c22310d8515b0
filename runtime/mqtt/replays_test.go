package mqtt

import (
	"testing"
	"time"
)

func TestReplays(t *testing.T) {
	t.Parallel()
	now := time.Now()
	// connection receives and acknowledges packets, and says whether the session is dropped.
	connection := func(r *replays, present, pinged bool, packets ...replayKey) bool {
		r.resume(present)
		for _, p := range packets {
			r.arrived(p)
			r.acknowledged(p, now)
		}
		now = now.Add(time.Second)
		return pinged && r.answered(now)
	}
	a, b, c := replayKey{1, 1}, replayKey{2, 2}, replayKey{1, 3}
	for name, test := range map[string]struct {
		want  bool
		steps func(r *replays) bool
	}{
		"three resumes": {true, func(r *replays) bool {
			for range 3 {
				if connection(r, true, true, a, b) {
					t.Error("too early")
				}
			}
			return connection(r, true, true, a, b)
		}},
		"the acknowledgements were not read": {false, func(r *replays) bool {
			for range 10 {
				connection(r, true, false, a, b)
			}
			return connection(r, true, true, a, b)
		}},
		"not read once": {false, func(r *replays) bool {
			connection(r, true, true, a, b)
			connection(r, true, true, a, b)
			connection(r, true, false, a, b)
			return connection(r, true, true, a, b)
		}},
		"other messages under the same ids": {false, func(r *replays) bool {
			connection(r, true, true, a, b)
			connection(r, true, true, c, b)
			connection(r, true, true, a, b)
			return connection(r, true, true, c, b)
		}},
		"a single one": {false, func(r *replays) bool {
			for range 9 {
				connection(r, true, true, a)
			}
			return connection(r, true, true, a)
		}},
		"another session": {false, func(r *replays) bool {
			connection(r, true, true, a, b)
			connection(r, true, true, a, b)
			connection(r, false, true, a, b)
			return connection(r, true, true, a, b)
		}},
		"a pause between": {false, func(r *replays) bool {
			connection(r, true, true, a, b)
			connection(r, true, true, a, b)
			connection(r, true, true)
			return connection(r, true, true, a, b)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.steps(&replays{}); got != test.want {
				t.Errorf("the session is dropped: %v, want %v", got, test.want)
			}
		})
	}
}

func TestReplaysAreBounded(t *testing.T) {
	t.Parallel()
	var r replays
	r.resume(true)
	for i := range uint64(5 * replayLimit) {
		r.acknowledged(replayKey{uint16(i), i}, time.Now())
	}
	if len(r.acked) > replayLimit {
		t.Errorf("%d are remembered", len(r.acked))
	}
}
