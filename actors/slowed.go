package actors

import (
	"context"
	"time"
)

// slowed has a group hold each of its writes back.
type slowed struct{ by time.Duration }

// idle waits, unless the life ends.
func idle(life context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-life.Done():
	case <-time.After(d):
	}
}
