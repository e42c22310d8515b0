package slots

import (
	"testing"
	"time"
)

// TestCooldown has a session taken over again and again: each time the slot is left to others
// for longer, and after a quiet while for as long as at first.
func TestCooldown(t *testing.T) {
	t.Parallel()
	now, c := time.Unix(1e9, 0), cooldown{}
	for i, step := range []struct{ after, want time.Duration }{
		{0, time.Second}, {time.Second, 2 * time.Second}, {0, 4 * time.Second}, {10 * time.Second, 8 * time.Second},
		{0, 16 * time.Second}, {0, 30 * time.Second}, {60 * time.Second, 30 * time.Second}, {61 * time.Second, time.Second},
	} {
		now = now.Add(step.after)
		if c = c.again(now); c.last != step.want || !c.until.Equal(now.Add(step.want)) {
			t.Fatalf("%d: %v until %v, want %v", i, c.last, c.until, step.want)
		}
	}
}
