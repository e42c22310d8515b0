package chaos

import (
	"fmt"
	"sync"
	"time"
)

// Faults are what was done to a rig, and when.
type Faults struct {
	mu   sync.Mutex
	list []*Fault
}

// Fault is something that was broken for a time; To is when messages came
// through again.
type Fault struct {
	Name     string
	From, To time.Time
}

// near is how long before a fault a message may have been delivered that is
// repeated because of it, and how long after it the repeat may come: readers
// see things later than they happened.
const near = time.Second

// During does something harmful, waits until messages come through, and
// remembers when that was.
func (r *Rig) During(name string, harm func()) {
	r.t.Helper()
	end := r.Faults.Begin(name)
	harm()
	r.flows()
	end()
}

// Begin enters a fault that lasts until it is ended.
func (f *Faults) Begin(name string) (end func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault := &Fault{Name: name, From: time.Now()}
	f.list = append(f.list, fault)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if fault.To.IsZero() {
			fault.To = time.Now()
		}
	}
}

// KillWorker ends the worker with SIGKILL and starts it again.
func (r *Rig) KillWorker() {
	r.During("kill -9 of the worker", func() { r.Worker.Kill(); r.Worker.Start() })
}

// KillBusyWorker kills the worker when much is under way, because Redis has
// hung for a moment.
func (r *Rig) KillBusyWorker() {
	r.During("kill -9 of the worker with much under way", func() {
		r.Redis.Pause()
		time.Sleep(300 * time.Millisecond)
		r.Worker.Kill()
		r.Redis.Resume()
		r.Worker.Start()
	})
}

// StopWorker ends the worker with SIGTERM and starts it again.
func (r *Rig) StopWorker() {
	r.During("restart of the worker", func() { r.Worker.Stop(); r.Worker.Start() })
}

// RestartRedis kills Redis and starts it with the data it had.
func (r *Rig) RestartRedis() { r.During("restart of Redis", r.Redis.Restart) }

// RestartBroker stops the broker, which stores its sessions, and starts it.
func (r *Rig) RestartBroker() {
	r.During("restart of the broker", func() { r.Broker.Stop(); r.Broker.Start() })
}

// FreezeRedis has Redis hang for a time, with its connections open.
func (r *Rig) FreezeRedis(d time.Duration) {
	r.During(fmt.Sprint("Redis hangs for ", d), func() {
		r.Redis.Pause()
		time.Sleep(d)
		r.Redis.Resume()
	})
}

// FreezeBroker has the broker hang for a time, with its connections open.
func (r *Rig) FreezeBroker(d time.Duration) {
	r.During(fmt.Sprint("the broker hangs for ", d), func() {
		r.Broker.Freeze()
		time.Sleep(d)
		r.Broker.Thaw()
	})
}

// All are the faults so far. One that lasts ends now.
func (f *Faults) All() (list []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.list {
		list = append(list, *fault)
		if fault.To.IsZero() {
			list[len(list)-1].To = time.Now()
		}
	}
	return list
}

// Unexplained are the repeats that no fault explains: a fault does where the
// first copy came shortly before it or while it lasted, and the next one not
// long after it was over.
func (f *Faults) Unexplained(list []Repeat) []Repeat {
	var rest []Repeat
	faults := f.All()
	for _, repeat := range list {
		if !explained(repeat, faults) {
			rest = append(rest, repeat)
		}
	}
	return rest
}

func explained(repeat Repeat, faults []Fault) bool {
	for _, f := range faults {
		from, to := f.From.Add(-near), f.To.Add(near)
		if repeat.First.After(from) && repeat.First.Before(to) && repeat.Again.Before(to.Add(5*near)) {
			return true
		}
	}
	return false
}
