package delivery

import (
	"testing"
	"time"
)

// TestFull: a stream without room is looked at often at first, and it is logged once a
// minute at most, however often it fills.
func TestFull(t *testing.T) {
	t.Parallel()
	var f full
	began := time.Now()
	for _, step := range []struct {
		after  time.Duration
		room   bool
		pause  time.Duration
		begins bool
		log    bool
	}{
		{0, false, fullRetry, true, true},
		{time.Millisecond, false, fullRetry, false, false},
		{stuckAfter, false, stuckRetry, false, false},
		{stuckAfter + time.Second, true, 0, false, false},
		{stuckAfter + time.Second, false, fullRetry, true, false},
		{fullLogged, true, 0, false, false},
		{fullLogged, false, fullRetry, true, true},
	} {
		if step.room {
			if !f.over() || f.over() {
				t.Errorf("%v: it has had room", step.after)
			}
			continue
		}
		pause, begins, log := f.noRoom(began.Add(step.after))
		if pause != step.pause || begins != step.begins || log != step.log {
			t.Errorf("%v: %v %v %v, want %+v", step.after, pause, begins, log, step)
		}
	}
}
