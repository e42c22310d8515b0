package slots

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Fence says whether a slot may be acted for at this moment. Its methods may be called
// from any goroutine.
type Fence struct {
	base time.Time
	open atomic.Int64 // until when, in nanoseconds from base; negative: for good it is closed
	end  atomic.Int64 // of the lease, by the server's clock, in Unix microseconds

	mu      sync.Mutex
	renewed chan struct{} // closed at the next renewal
	revoked chan struct{} // closed when the slot is another's, or given up
}

// ErrRevoked is why nobody acts for a slot any more.
var ErrRevoked = errors.New("the session slot is not held here any more")

func newFence() *Fence {
	return &Fence{base: time.Now(), renewed: make(chan struct{}), revoked: make(chan struct{})}
}

// Open says whether the lease is held. It costs a look at the clock.
func (f *Fence) Open() bool { return int64(time.Since(f.base)) < f.open.Load() }

// closed is for how long the lease has not been held; 0: it is.
func (f *Fence) closed() time.Duration {
	return max(0, time.Since(f.base)-time.Duration(f.open.Load()))
}

// Until is the end of the lease by the server's clock.
func (f *Fence) Until() time.Time { return time.UnixMicro(f.end.Load()) }

// Wait returns nil when the lease is held, at once or when it is again. It returns
// ErrRevoked when that will never be so.
func (f *Fence) Wait(ctx context.Context) error {
	for {
		f.mu.Lock()
		renewed := f.renewed
		f.mu.Unlock()
		if f.Open() {
			return nil
		}
		select {
		case <-renewed:
		case <-f.revoked:
			return ErrRevoked
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// renew notes a lease that was asked for at that moment.
func (f *Fence) renew(asked time.Time, lease time.Duration, end time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open.Load() < 0 {
		return
	}
	until := asked.Add(lease - lease/10).Sub(f.base)
	f.end.Store(end.UnixMicro())
	f.open.Store(max(f.open.Load(), int64(until)))
	close(f.renewed)
	f.renewed = make(chan struct{})
}

// revoke closes the fence for good.
func (f *Fence) revoke() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open.Swap(-1) >= 0 {
		close(f.revoked)
	}
}
