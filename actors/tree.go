package actors

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/stats"
	"chanmqttproxy/messages"
)

// Tree is all actors of a process: a bridge with its children for each session slot.
type Tree struct {
	shared   *shared
	stats    *Stats
	guardian *guardian

	mu    sync.Mutex
	slots map[int]*Slot
}

// Slot is one session slot's running part of the tree.
type Slot struct {
	tree *Tree
	deps *env
	to   *refs
	done chan struct{}
	err  error
	over bool // it has ended; kept by the tree's mutex
}

// New makes a tree without slots. Stats, Log and Count of the options are for all its slots.
func New(o Options) *Tree {
	o = o.withDefaults()
	o.Stats.Counted = stats.Counting(o.Count)
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(warnings{o.Log.Handler()})
	}))
	return &Tree{
		shared:   &shared{system: system, registry: newActorRegistry(), traces: newTraces(), mirror: newMirror(o)},
		stats:    o.Stats,
		guardian: newGuardian(),
		slots:    map[int]*Slot{},
	}
}

// Start starts a slot, and returns when its actors are there. Redis and the MQTT broker may
// still be unreachable. An earlier slot with the same number must be done.
func (t *Tree) Start(o Options) *Slot {
	o.Stats = t.stats
	s := &Slot{tree: t, deps: newEnv(t.shared, o), done: make(chan struct{})}
	s.to = newRefs(t.shared.system, s.deps.Slot)
	// The name is free: nothing is left of the earlier one.
	_, _ = t.shared.system.Root.SpawnNamed(newBridge(s.deps, s.to, t.guardian, s.ended), s.deps.paths.bridge)
	select { // the library's mailboxes take nothing from others while they are being made
	case <-s.deps.started:
	case <-s.done:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !s.over {
		t.slots[o.Slot] = s
	}
	return s
}

func (s *Slot) ended(err error) {
	s.err = errors.Join(err, s.tree.guardian.take(s.deps.paths.bridge))
	s.deps.dispatcher.stop()
	s.tree.mu.Lock()
	s.over = true
	delete(s.tree.slots, s.deps.Slot)
	s.tree.mu.Unlock()
	close(s.done)
}

// Shutdown asks the slot to finish what is under way and to stop; see Done.
func (s *Slot) Shutdown() { s.to.bridge.Tell(messages.Shutdown{}) }

// Abandon asks the slot to stop at once; see Done. What is not finished is safe where it came
// from.
func (s *Slot) Abandon() { s.to.bridge.Tell(messages.Abandon{}) }

// Done is closed when every actor of the slot has stopped.
func (s *Slot) Done() <-chan struct{} { return s.done }

// Err says, after Done, why the slot gave up; nil after Shutdown and Abandon.
func (s *Slot) Err() error { return s.err }

// Received is how many messages have come to the slot from the MQTT broker.
func (s *Slot) Received() int64 { return s.deps.flow.received.Load() }

// Stats are the counters of all slots.
func (t *Tree) Stats() *Stats { return t.stats }

// slot is the running slot with that number; nil: there is none.
func (t *Tree) slot(number int) *Slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.slots[number]
}

// all are the running slots, in their order; that of the streams is the last.
func (t *Tree) all() []*Slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]*Slot, 0, len(t.slots))
	for _, s := range t.slots {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *Slot) int { return cmp.Compare(uint(a.deps.Slot), uint(b.deps.Slot)) })
	return list
}

// warnings passes on the warnings of the actor library. Its lower levels repeat what is logged
// here: restarts, and messages to actors that have stopped.
type warnings struct{ slog.Handler }

// Enabled refuses everything below a warning.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}
