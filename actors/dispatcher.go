package actors

import "sync/atomic"

// idleGoroutines bounds what a dispatcher keeps.
const idleGoroutines = 64

// dispatcher runs the mailboxes of a slot, and the jobs of its actors, in goroutines that it
// keeps. A new goroutine for each would start with a small stack, which grows by being
// copied: that took an eighth of the worker's time.
type dispatcher struct {
	work chan func()
	over chan struct{}
	idle atomic.Int32 // goroutines that wait, or are about to
}

func newDispatcher() *dispatcher {
	return &dispatcher{work: make(chan func()), over: make(chan struct{})}
}

// Schedule runs work soon, and never waits. It may be called after stop.
func (d *dispatcher) Schedule(work func()) {
	select {
	case d.work <- work:
	default:
		go d.run(work)
	}
}

// Throughput is how many messages a mailbox handles before others get their turn.
func (d *dispatcher) Throughput() int { return 300 }

func (d *dispatcher) run(work func()) {
	for work != nil {
		work()
		work = d.next()
	}
}

// next waits for work; nil: there is none for this goroutine.
func (d *dispatcher) next() (work func()) {
	defer d.idle.Add(-1)
	if d.idle.Add(1) > idleGoroutines {
		return nil
	}
	select {
	case work = <-d.work:
	case <-d.over:
	}
	return work
}

// stop lets the goroutines go that wait.
func (d *dispatcher) stop() { close(d.over) }
