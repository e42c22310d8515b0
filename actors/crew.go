package actors

import "sync/atomic"

// spareHands bounds the goroutines that a crew keeps.
const spareHands = 64

// crew runs work in goroutines that it keeps for the next. A new goroutine for
// each run of a mailbox and each write would begin with a small stack, which grows
// by being copied: that took an eighth of the worker's time. It is the actors'
// dispatcher.
type crew struct {
	work   chan func()
	over   chan struct{}
	spared atomic.Int32 // goroutines that wait, or are about to
}

func newCrew() *crew { return &crew{work: make(chan func()), over: make(chan struct{})} }

// Schedule runs work soon, and never waits. It may be called after end.
func (c *crew) Schedule(work func()) {
	select {
	case c.work <- work:
	default:
		go c.run(work)
	}
}

// Throughput is after how many messages a mailbox lets others go first.
func (c *crew) Throughput() int { return 300 }

func (c *crew) run(work func()) {
	for work != nil {
		work()
		work = c.next()
	}
}

// next waits for work; nil: there is none for this goroutine.
func (c *crew) next() (work func()) {
	defer c.spared.Add(-1)
	if c.spared.Add(1) > spareHands {
		return nil
	}
	select {
	case work = <-c.work:
	case <-c.over:
	}
	return work
}

// end lets the goroutines go that wait.
func (c *crew) end() { close(c.over) }
