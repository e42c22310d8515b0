package slots

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chanmqttproxy/messages"
)

// Leases is where session slots are leased.
type Leases interface {
	// Lease makes one request. It may be repeated, and may hang.
	Lease(ctx context.Context, ask messages.LeaseAsk) (messages.LeaseAnswer, error)
}

// Assignment is what runs for a slot while it is held. Its methods return at once.
type Assignment interface {
	// Stop asks it to finish what is under way, and to stop. The slot is held meanwhile.
	Stop()
	// Abandon asks it to stop at once: another worker has the slot.
	Abandon()
	// Done is closed when nothing is left of it. Err is then why it gave up; nil: it was
	// stopped.
	Done() <-chan struct{}
	Err() error
	// TakenOver is closed when the MQTT broker has given the session to another client.
	TakenOver() <-chan struct{}
	// Unreachable is how long the MQTT broker has not been reached; 0: it is connected.
	Unreachable() time.Duration
	// SetLayout gives it another layout. Layout is what the first slot knows of it: see
	// messages.LeaseAsk.
	SetLayout(messages.Layout)
	Layout() messages.Layout
}

// Options are what a Keeper needs.
type Options struct {
	Leases Leases
	// Hold starts an Assignment for a slot, with the present layout.
	Hold func(messages.Slot, messages.Layout, *Fence) Assignment
	// Lease is how long a lease lasts, and so how long others wait for a worker that died.
	Lease time.Duration
	// Sessions is how many slots there should be.
	Sessions int
	Log      *slog.Logger
}

const (
	// downAfter is how long the broker may be out of reach before a slot goes to a worker that
	// reaches it, and memory how long this worker counts as down afterwards.
	downAfter = 5 * time.Second
	memory    = 30 * time.Second
	// insist is for how many leases this worker proposes its number of slots again, if Redis
	// has lost it.
	insist = 3
	// finalWait bounds the last request.
	finalWait = time.Second
)

// format begins the ids of workers. It is the version of what they store: see messages.LeaseAsk.
const format = "2."

// Counts are how often slots were taken; given up, at a stop or for other workers; lost, since the
// lease was not renewed in time; and given up since another client took the session over.
type Counts struct{ Taken, Given, Lost, TakenOver atomic.Int64 }

// Keeper keeps the slots of one worker.
type Keeper struct {
	Options
	// Counts may be read at any time.
	Counts Counts

	worker, name string

	held       map[int]*holding
	release    map[int]bool
	cooldown   map[int]cooldown
	proposed   time.Time // when the layout was first as configured; zero: it has not been
	former     int       // over how many slots filters were spread before
	requestSeq uint64    // of the last request
	down       time.Time
	reason     string // why Redis is unreachable; empty: it is not known to be
	standby    string // the workers that it stands by for; empty: it does not stand by
	leaving    bool
	woken      chan struct{}

	mu   sync.Mutex
	view View
}

// holding is a slot that is held, or whose assignment has not quite ended.
type holding struct {
	slot       messages.Slot
	fence      *Fence
	assignment Assignment
	several    bool // there were other slots or workers when it was taken: it is logged
	stopping   bool // it will be released when it is done
	lost       bool // another worker has it
}

// View is what the keeper knows of all slots.
type View struct {
	// Reached: the last request was answered. Leaving: the worker is stopping.
	Reached, Leaving bool
	messages.LeaseAnswer

	asked    time.Time     // when the last request that was answered was made
	received time.Time     // when its answer came
	lease    time.Duration // how long the lease is
}

// Left is how long the leases last at least; 0: no slot is held.
func (v View) Left() time.Duration {
	if len(v.Held) == 0 {
		return 0
	}
	return max(0, v.lease-time.Since(v.asked))
}

// New makes a keeper, with a new worker id.
func New(o Options) *Keeper {
	host, _ := os.Hostname()
	return &Keeper{
		Options: o, worker: format + strings.ToLower(rand.Text()), name: fmt.Sprintf("%s:%d", host, os.Getpid()),
		held: map[int]*holding{}, release: map[int]bool{}, cooldown: map[int]cooldown{}, woken: make(chan struct{}, 1),
	}
}

// View returns what is known now.
func (k *Keeper) View() View {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.view
}

// Run holds slots until ctx ends. Then it stops their assignments, and returns when nothing is left of
// them. An error is that of an assignment that gave up.
func (k *Keeper) Run(ctx context.Context) error {
	answers := make(chan answered, 1)
	asking := false
	next := time.NewTimer(0)
	defer next.Stop()
	stop := ctx.Done()
	var failure error
	for {
		select {
		case <-stop:
			stop = nil
			k.leave()
			next.Reset(0)
		case <-k.woken:
			next.Reset(0)
		case <-next.C:
			if !asking {
				asking = true
				go k.send(k.request(), answers)
			}
		case a := <-answers:
			asking = false
			k.answered(a)
			next.Reset(k.pause(a))
		}
		failure = errors.Join(failure, k.collectEnded())
		if failure != nil && !k.leaving {
			k.leave()
		}
		if k.leaving && len(k.held) == 0 {
			k.finalRelease(asking, answers)
			return failure
		}
	}
}

// wake makes Run collect ended assignments and send a request at once.
func (k *Keeper) wake() {
	select {
	case k.woken <- struct{}{}:
	default:
	}
}

// leave stops all assignments.
func (k *Keeper) leave() {
	k.leaving = true
	k.mu.Lock()
	k.view.Leaving = true
	k.mu.Unlock()
	for _, h := range k.held {
		h.stopping = true
		h.assignment.Stop()
	}
}
