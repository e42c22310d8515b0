package actors

import (
	"context"
	"slices"
	"sync"
)

const (
	// encodedBytes bounds what is being written to the layer, which has a copy of it of its
	// own for each target.
	encodedBytes = 32 << 20
	// smallBatch is the size of a batch up to which it does not count: it does not wait for
	// large ones that a Redis which hangs holds up.
	smallBatch = 32 << 10
)

// allowance lets so many bytes be taken at a time, first come, first served. The zero value
// has encodedBytes.
type allowance struct {
	mu      sync.Mutex
	taken   int64
	waiting []*claim
}

// claim waits for bytes. It is granted when the channel is closed.
type claim struct {
	bytes   int64
	granted chan struct{}
}

// take waits until so many bytes may be taken, all of them where they are more than there
// are, or until ctx ends. They are given back by the function it returns.
func (a *allowance) take(ctx context.Context, bytes int64) (giveBack func()) {
	if bytes <= smallBatch {
		return func() {}
	}
	c := &claim{min(bytes, encodedBytes), make(chan struct{})}
	a.mu.Lock()
	a.waiting = append(a.waiting, c)
	a.grant()
	a.mu.Unlock()
	select {
	case <-c.granted:
	case <-ctx.Done():
	}
	return func() { a.giveBack(c) }
}

// giveBack ends a claim, whether it was granted or not.
func (a *allowance) giveBack(c *claim) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.waiting, c); i >= 0 {
		a.waiting = slices.Delete(a.waiting, i, i+1)
	} else {
		a.taken -= c.bytes
	}
	a.grant()
}

// grant is called with mu held.
func (a *allowance) grant() {
	for len(a.waiting) > 0 && a.taken+a.waiting[0].bytes <= encodedBytes {
		a.taken += a.waiting[0].bytes
		close(a.waiting[0].granted)
		a.waiting = a.waiting[1:]
	}
}
