package actors

import (
	"context"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// Tree is a running tree of actors.
type Tree struct {
	system *actor.ActorSystem
	deps   *dependencies
	done   chan struct{}
	err    error
}

// Start brings the tree up and returns at once: both sides may still be away.
func Start(o Options) *Tree {
	t := &Tree{done: make(chan struct{})}
	t.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(warnings{o.withDefaults().Log.Handler()})
	}))
	t.deps = newDependencies(t.system, o)
	t.deps.Stats.Counted = counting(o.Count)
	ended := func(err error) {
		t.err = err
		t.deps.crew.end()
		close(t.done)
	}
	// The name is free: the system is new.
	_, _ = t.system.Root.SpawnNamed(newBridge(t.deps, ended), bridgePath)
	return t
}

// Shutdown asks the tree to finish what is under way and to stop; see Done.
func (t *Tree) Shutdown() { t.deps.bridge.Tell(messages.Shutdown{}) }

// Done is closed when every actor has stopped.
func (t *Tree) Done() <-chan struct{} { return t.done }

// Err says, after Done, why the tree gave up; nil after Shutdown.
func (t *Tree) Err() error { return t.err }

// Stats are the tree's counters.
func (t *Tree) Stats() *Stats { return t.deps.Stats }

// warnings passes on what the actor library has to warn of. Its lower levels
// repeat what is logged here already: restarts, and messages to actors that
// have stopped.
type warnings struct{ slog.Handler }

// Enabled holds back everything below a warning.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}
