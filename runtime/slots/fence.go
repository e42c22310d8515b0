package slots

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Fence says whether this worker holds the lease of a slot now. Its methods may be called from any
// goroutine.
type Fence struct {
	base time.Time
	open atomic.Int64 // until when, in nanoseconds from base; negative: it is closed for good
	end  atomic.Int64 // of the lease, by the server's clock, in Unix microseconds

	mu      sync.Mutex
	renewed chan struct{} // closed at the next renewal
	revoked chan struct{} // closed when the slot is another's, or given up
}

// ErrRevoked is returned once a slot is lost or given up.
var ErrRevoked = errors.New("the session slot is not held here any more")

func newFence() *Fence {
	return &Fence{base: time.Now(), renewed: make(chan struct{}), revoked: make(chan struct{})}
}

// Open says whether the lease is held. It costs reading the clock.
func (f *Fence) Open() bool { return int64(time.Since(f.base)) < f.open.Load() }

// closed is how long the lease has not been held; 0: it is held.
func (f *Fence) closed() time.Duration {
	return max(0, time.Since(f.base)-time.Duration(f.open.Load()))
}

// Until is the end of the lease by the server's clock.
func (f *Fence) Until() time.Time { return time.UnixMicro(f.end.Load()) }

// Wait waits until the lease is held. It returns ErrRevoked if that will never be the case.
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

// renew notes that a lease was granted that was requested at the time asked.
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
