package slots_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
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
	overtaken bool // what got lost may come after all, when more has been asked
	seed      uint64
	began     time.Time
	happened  uint64 // a sum of who held what from when
	workers   []*worker
	forgotten time.Time
	failed    bool
	live      map[int]*assignment // whose session the broker has, by slot
	log       *slog.Logger
}

// newWorld makes a world in which the server's clock runs faster than those of workers
// by a factor.
func newWorld(t *testing.T, seed uint64, factor float64) *world {
	began := time.Now()
	w := &world{T: t, seed: seed, random: rand.New(rand.NewPCG(seed, 7)), began: began, live: map[int]*assignment{}, log: discard}
	w.leases = probe.NewLeases(func() time.Time {
		return began.Add(time.Duration(float64(time.Since(began)) * factor))
	})
	return w
}

// worker is one process.
type worker struct {
	world  *world
	name   string
	number uint64
	keeper *slots.Keeper
	cancel context.CancelFunc
	done   chan error

	dead   bool          // it was killed
	cut    bool          // it does not reach Redis
	frozen chan struct{} // closed when it goes on; nil: it runs
	away   bool          // it does not reach the broker
	since  time.Time
	held   map[*assignment]bool
}

var errAway = errors.New("no answer")

// start starts a worker.
func (w *world) start(sessions int) *worker {
	k := w.worker()
	k.keeper = slots.New(slots.Options{Leases: k, Hold: k.hold, Lease: lease, Sessions: sessions, Log: w.log})
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	w.mu.Lock()
	w.workers = append(w.workers, k)
	w.mu.Unlock()
	go func() { k.done <- k.keeper.Run(ctx) }()
	return k
}

// worker makes one that does not run.
func (w *world) worker() *worker {
	n := len(w.workers)
	return &worker{
		world: w, name: fmt.Sprint("worker ", n), number: uint64(n),
		done: make(chan error, 1), held: map[*assignment]bool{},
	}
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
	settle()
}

// settle lets what is still on its way come to its end.
func settle() { time.Sleep(time.Minute) }

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

// rob has another client take the sessions of the worker's slots.
func (k *worker) rob() {
	k.world.mu.Lock()
	defer k.world.mu.Unlock()
	for t := range k.held {
		if !t.robbed {
			t.robbed = true
			close(t.taken)
		}
	}
}

// reach has the worker reach the broker, or not.
func (k *worker) reach(there bool) {
	k.world.mu.Lock()
	defer k.world.mu.Unlock()
	k.away, k.since = !there, time.Now()
}

func (k *worker) all() (list []*assignment) {
	for t := range k.held {
		list = append(list, t)
	}
	return list
}

// Lease asks Redis, as far as it can be reached.
func (k *worker) Lease(_ context.Context, ask messages.LeaseAsk) (messages.LeaseAnswer, error) {
	k.pauses()
	if k.travels() {
		k.straggles(ask)
		return messages.LeaseAnswer{}, errAway
	}
	answer, err := k.world.asked(ask)
	lost := k.travels()
	k.pauses()
	if lost {
		return messages.LeaseAnswer{}, errAway
	}
	go k.world.checkNext()
	return answer, err
}

// dice are the worker's at this moment: a seed means the same however often it asks, and
// whoever wakes first.
func (k *worker) dice() *rand.Rand {
	return rand.New(rand.NewPCG(k.world.seed<<8+k.number, uint64(time.Since(k.world.began))))
}

// travels takes as long as a question or an answer is on its way, and says whether it
// gets lost.
func (k *worker) travels() (lost bool) {
	w := k.world
	dice := k.dice()
	w.mu.Lock()
	var delay time.Duration
	if w.late > 0 {
		delay = time.Duration(dice.Int64N(int64(w.late)))
	}
	lost = w.away || k.cut || k.dead || dice.Float64() < w.lost
	w.mu.Unlock()
	time.Sleep(delay)
	return lost
}

// straggles has a question that was given up come to Redis after all, maybe: it was sent
// again and again on an earlier connection, while others were asked on a new one.
func (k *worker) straggles(ask messages.LeaseAsk) {
	w := k.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.overtaken || w.away || k.cut || k.dead {
		return
	}
	delay := time.Duration(k.dice().Int64N(int64(2 * lease)))
	go func() {
		time.Sleep(delay)
		_, _ = w.asked(ask)
	}()
}

// asked has Redis answer.
func (w *world) asked(ask messages.LeaseAsk) (messages.LeaseAnswer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.leases.Lease(ask)
}

// assignment acts for a slot.
type assignment struct {
	worker *worker
	random *rand.Rand
	slot   messages.Slot
	fence  *slots.Fence
	done   chan struct{}
	taken  chan struct{}
	ended  bool
	robbed bool

	layout  messages.Layout
	laidOut time.Time
	stopped bool
}

func (k *worker) hold(s messages.Slot, l messages.Layout, f *slots.Fence) slots.Assignment {
	k.world.mu.Lock()
	defer k.world.mu.Unlock()
	sum := fnv.New64()
	_, _ = fmt.Fprintln(sum, time.Since(k.world.began), k.name, s)
	k.world.happened += sum.Sum64()
	random := rand.New(rand.NewPCG(k.world.seed, s.Epoch+uint64(s.Number)))
	t := &assignment{worker: k, random: random, slot: s, fence: f, done: make(chan struct{}), taken: make(chan struct{}), layout: l, laidOut: time.Now()}
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
func (t *assignment) connect() {
	w := t.worker.world
	if other := w.live[t.slot.Number]; other != nil && other != t && !other.robbed {
		other.robbed = true
		close(other.taken)
	}
	w.live[t.slot.Number] = t
}

// ends is called with the lock held.
func (t *assignment) ends() {
	if !t.ended {
		t.ended = true
		delete(t.worker.held, t)
		close(t.done)
	}
}

func (t *assignment) endSoon(within time.Duration) {
	w := t.worker.world
	w.mu.Lock()
	if t.stopped {
		w.mu.Unlock()
		return
	}
	t.stopped = true
	delay := time.Duration(t.random.Int64N(int64(within)))
	w.mu.Unlock()
	go func() {
		time.Sleep(delay)
		w.mu.Lock()
		defer w.mu.Unlock()
		t.ends()
	}()
}

func (t *assignment) Stop()                      { t.endSoon(300 * time.Millisecond) }
func (t *assignment) Abandon()                   { t.endSoon(20 * time.Millisecond) }
func (t *assignment) Done() <-chan struct{}      { return t.done }
func (t *assignment) Err() error                 { return nil }
func (t *assignment) TakenOver() <-chan struct{} { return t.taken }

func (t *assignment) Unreachable() time.Duration {
	t.worker.world.mu.Lock()
	defer t.worker.world.mu.Unlock()
	if !t.worker.away {
		return 0
	}
	return time.Since(t.worker.since)
}

func (t *assignment) SetLayout(l messages.Layout) {
	t.worker.world.mu.Lock()
	defer t.worker.world.mu.Unlock()
	if t.layout.Sessions != l.Sessions {
		t.laidOut = time.Now()
	}
	t.layout = l
}

// Layout: filters take a second to move, from as many slots as there are.
func (t *assignment) Layout() messages.Layout {
	t.worker.world.mu.Lock()
	defer t.worker.world.mu.Unlock()
	l := messages.Layout{Sessions: t.layout.Sessions}
	if time.Since(t.laidOut) <= time.Second {
		l.Before = t.layout.Before
	}
	return l
}

// senders are who may send for each slot at this moment.
func (w *world) senders() map[int][]*assignment {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := map[int][]*assignment{}
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
			w.change(func() { w.failed = true })
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

// checkNext checks when what happens at this moment has happened. A fence opens by an
// answer and by nothing else, so this finds every moment at which two are open.
func (w *world) checkNext() {
	time.Sleep(time.Nanosecond)
	w.mu.Lock()
	failed := w.failed
	w.mu.Unlock()
	if !failed {
		w.check()
	}
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	w.check()
}
