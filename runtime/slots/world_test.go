package slots_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/slots"
	"chanmqttproxy/test/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const lease = 1500 * time.Millisecond

// world is a Redis, a broker and workers in a bubble.
type world struct {
	*testing.T
	mu        sync.Mutex
	random    *rand.Rand
	leases    *probe.Leases
	away      bool    // Redis answers nobody
	lost      float64 // the share of questions, and of answers, that get lost
	late      time.Duration
	workers   []*worker
	forgotten time.Time
	failed    bool
	live      map[int]*tenure // whose session the broker has, by slot
}

// newWorld makes a world in which the server's clock runs faster than those of workers
// by a factor.
func newWorld(t *testing.T, seed uint64, factor float64) *world {
	w := &world{T: t, random: rand.New(rand.NewPCG(seed, 7)), live: map[int]*tenure{}}
	began := time.Now()
	w.leases = probe.NewLeases(func() time.Time {
		return began.Add(time.Duration(float64(time.Since(began)) * factor))
	})
	return w
}

// worker is one process.
type worker struct {
	world  *world
	name   string
	keeper *slots.Keeper
	cancel context.CancelFunc
	done   chan error

	dead   bool          // it was killed
	cut    bool          // it does not reach Redis
	frozen chan struct{} // closed when it goes on; nil: it runs
	away   bool          // it does not reach the broker
	since  time.Time
	held   map[*tenure]bool
}

var errAway = errors.New("no answer")

// start starts a worker.
func (w *world) start(sessions int) *worker {
	k := &worker{world: w, name: fmt.Sprint("worker ", len(w.workers)), done: make(chan error, 1), held: map[*tenure]bool{}}
	k.keeper = slots.New(slots.Options{Leases: k, Hold: k.hold, Lease: lease, Sessions: sessions, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	w.mu.Lock()
	w.workers = append(w.workers, k)
	w.mu.Unlock()
	go func() { k.done <- k.keeper.Run(ctx) }()
	return k
}

// end ends all workers.
func (w *world) end() {
	for _, k := range w.workers {
		k.goOn()
		k.cancel()
		if err := <-k.done; err != nil {
			w.Error(err)
		}
	}
}

// pauses waits as long as the worker is frozen.
func (k *worker) pauses() {
	k.world.mu.Lock()
	frozen := k.frozen
	k.world.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
}

// freeze stops the worker: what it asks waits, and so do the answers. What acts for its
// slots does not: it may wake at any moment.
func (k *worker) freeze() {
	k.world.mu.Lock()
	defer k.world.mu.Unlock()
	if k.frozen == nil {
		k.frozen = make(chan struct{})
	}
}

func (k *worker) goOn() {
	k.world.mu.Lock()
	defer k.world.mu.Unlock()
	if k.frozen != nil {
		close(k.frozen)
		k.frozen = nil
	}
}

func (k *worker) kill() {
	k.world.mu.Lock()
	defer k.world.mu.Unlock()
	k.dead = true
	for _, t := range k.all() {
		t.ends()
	}
}

func (k *worker) all() (list []*tenure) {
	for t := range k.held {
		list = append(list, t)
	}
	return list
}

// Lease asks Redis, as far as it can be reached.
func (k *worker) Lease(_ context.Context, ask messages.LeaseAsk) (messages.LeaseAnswer, error) {
	w := k.world
	chance := func() (lost bool, delay time.Duration) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.late > 0 {
			delay = time.Duration(w.random.Int64N(int64(w.late)))
		}
		return w.away || k.cut || k.dead || w.random.Float64() < w.lost, delay
	}
	k.pauses()
	lost, delay := chance()
	time.Sleep(delay)
	if lost {
		return messages.LeaseAnswer{}, errAway
	}
	w.mu.Lock()
	answer := w.leases.Lease(ask)
	w.mu.Unlock()
	lost, delay = chance()
	time.Sleep(delay)
	k.pauses()
	if lost {
		return messages.LeaseAnswer{}, errAway
	}
	return answer, nil
}

// tenure acts for a slot.
type tenure struct {
	worker *worker
	slot   messages.Slot
	fence  *slots.Fence
	done   chan struct{}
	taken  chan struct{}
	ended  bool
	robbed bool

	layout  messages.Layout
	relaid  time.Time
	stopped bool
}

func (k *worker) hold(s messages.Slot, l messages.Layout, f *slots.Fence) slots.Tenure {
	k.world.mu.Lock()
	defer k.world.mu.Unlock()
	t := &tenure{worker: k, slot: s, fence: f, done: make(chan struct{}), taken: make(chan struct{}), layout: l, relaid: time.Now()}
	if k.dead {
		t.ends()
		return t
	}
	k.held[t] = true
	if !k.away {
		t.connect()
	}
	return t
}

// connect has the broker give the session to this one.
func (t *tenure) connect() {
	w := t.worker.world
	if other := w.live[t.slot.Number]; other != nil && other != t && !other.robbed {
		other.robbed = true
		close(other.taken)
	}
	w.live[t.slot.Number] = t
}

// ends is called with the lock held.
func (t *tenure) ends() {
	if !t.ended {
		t.ended = true
		delete(t.worker.held, t)
		close(t.done)
	}
}

func (t *tenure) endSoon(within time.Duration) {
	w := t.worker.world
	w.mu.Lock()
	if t.stopped {
		w.mu.Unlock()
		return
	}
	t.stopped = true
	delay := time.Duration(w.random.Int64N(int64(within)))
	w.mu.Unlock()
	go func() {
		time.Sleep(delay)
		w.mu.Lock()
		defer w.mu.Unlock()
		t.ends()
	}()
}

func (t *tenure) Stop()                      { t.endSoon(300 * time.Millisecond) }
func (t *tenure) Abandon()                   { t.endSoon(20 * time.Millisecond) }
func (t *tenure) Done() <-chan struct{}      { return t.done }
func (t *tenure) Err() error                 { return nil }
func (t *tenure) TakenOver() <-chan struct{} { return t.taken }

func (t *tenure) Away() time.Duration {
	t.worker.world.mu.Lock()
	defer t.worker.world.mu.Unlock()
	if !t.worker.away {
		return 0
	}
	return time.Since(t.worker.since)
}

func (t *tenure) Relaid(l messages.Layout) {
	t.worker.world.mu.Lock()
	defer t.worker.world.mu.Unlock()
	if t.layout != l {
		t.layout, t.relaid = l, time.Now()
	}
}

// Moved: filters take a second to move.
func (t *tenure) Moved() bool {
	t.worker.world.mu.Lock()
	defer t.worker.world.mu.Unlock()
	return time.Since(t.relaid) > time.Second
}

// senders are who may send for each slot at this moment.
func (w *world) senders() map[int][]*tenure {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := map[int][]*tenure{}
	for _, k := range w.workers {
		for t := range k.held {
			if t.fence.Open() {
				list[t.slot.Number] = append(list[t.slot.Number], t)
			}
		}
	}
	return list
}

// check finds slots for which two may send.
func (w *world) check() {
	for n, list := range w.senders() {
		if len(list) > 1 {
			w.failed = true
			w.Errorf("slot %d may be acted for by %s (epoch %d) and %s (epoch %d)", n,
				list[0].worker.name, list[0].slot.Epoch, list[1].worker.name, list[1].slot.Epoch)
		}
	}
}

// spread is how many slots each worker acts for, and how many are acted for in all.
func (w *world) spread() (counts map[string]int, all int) {
	counts = map[string]int{}
	for _, list := range w.senders() {
		for _, t := range list {
			counts[t.worker.name]++
			all++
		}
	}
	return counts, all
}

// pass lets time pass, and checks all the while.
func (w *world) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end) && !w.failed; {
		w.check()
		time.Sleep(7 * time.Millisecond)
	}
	if !w.failed {
		w.check()
	}
}
