package actors

import "sync/atomic"

// idleGoroutines bounds what a dispatcher keeps.
const idleGoroutines = 64

// dispatcher runs the mailboxes of a slot, and the calls that its actors do not wait in,
// in goroutines that it keeps for the next. A new goroutine for each would begin with a
// small stack, which grows by being copied: that took an eighth of the worker's time.
type dispatcher struct {
	work chan func()
	over chan struct{}
	idle atomic.Int32 // goroutines that wait, or are about to
}

func newDispatcher() *dispatcher {
	return &dispatcher{work: make(chan func()), over: make(chan struct{})}
}

// Schedule runs work soon, and never waits. It may be called after end.
func (d *dispatcher) Schedule(work func()) {
	select {
	case d.work <- work:
	default:
		go d.run(work)
	}
}

// Throughput is after how many messages a mailbox lets others go first.
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

// end lets the goroutines go that wait.
func (d *dispatcher) end() { close(d.over) }
