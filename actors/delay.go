package actors

import (
	"context"
	"time"
)

// delayWrites makes a fanout delay each of its writes.
type delayWrites struct{ by time.Duration }

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
