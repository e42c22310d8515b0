package actors

import (
	"context"
	"slices"
	"sync"
)

const (
	// encodedBytes bounds the batches that are being written: the layer makes a packed copy
	// of each.
	encodedBytes = 32 << 20
	// smallBatch is the size up to which a batch does not count. It does not wait for large
	// ones, which a hanging Redis may hold up.
	smallBatch = 32 << 10
)

// allowance lets callers take up to encodedBytes at a time, first come, first served. The zero
// value is ready.
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

// take waits until that many bytes are free, or all of them if there are fewer, or until ctx
// ends. The function it returns gives them back.
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
