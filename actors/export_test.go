package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
)

// Solo is a tree with one slot.
type Solo struct {
	*Tree
	*Slot
}

// Start starts the first slot of a tree of its own.
func Start(o Options) Solo {
	t := New(o)
	return Solo{t, t.Start(o)}
}

// Health is that of the slot, also when it is done.
func (s Solo) Health() Health { return s.Slot.Health() }

// Send puts any message into the mailbox of the actor with that path, as no
// code outside of a test can.
func (t *Tree) Send(path string, message any) {
	t.shared.system.Root.Send(t.shared.system.NewLocalPID(path), message)
}

// Actors are the paths of all live actors. (Keys of the library's maps would start 32,768
// goroutines, most of what tests under -race took.)
func (t *Tree) Actors() []string {
	var list []string
	for _, b := range t.shared.system.ProcessRegistry.LocalPIDs.LocalPIDs {
		b.IterCb(func(path string, _ any) { list = append(list, path) })
	}
	return list
}

// StillContext is one in which every message is Value.
type StillContext struct {
	actor.Context
	Value any
}

// Message implements actor.Context.
func (c *StillContext) Message() any { return c.Value }

// Guard wraps an actor as each of the tree's is.
func Guard(a actor.Actor) actor.Actor {
	return guarded{Actor: a, record: &record{}, deps: &env{}}
}

// Protected wraps an actor so that a bug in it is caught, and no more.
func Protected(a actor.Actor) actor.Actor { return protected{a} }

type protected struct{ actor.Actor }

func (p protected) Receive(ctx actor.Context) {
	defer func() {
		if v := recover(); v != nil {
			panic(v)
		}
	}()
	p.Actor.Receive(ctx)
}

// Allowance is what is being written to the layer.
type Allowance struct{ allowance }

// Bounds of an Allowance.
const (
	EncodedBytes = encodedBytes
	SmallBatch   = smallBatch
)

// Take is take.
func (a *Allowance) Take(ctx context.Context, bytes int64) (giveBack func()) {
	return a.take(ctx, bytes)
}

// Left is how many bytes are taken, and how many claims wait.
func (a *Allowance) Left() (taken int64, waiting int) { return a.taken, len(a.waiting) }

// Failure is one that a supervisor decides about.
type Failure struct {
	Start bool // the actor was starting
	Hand  bool // made by hand
}

func (f Failure) reason() any {
	switch {
	case f.Hand:
		return injectedFailure{}
	case f.Start:
		return bug{value: "a bug", message: &actor.Started{}}
	}
	return bug{value: "a bug", message: "any message"}
}

// AfterBugs has a subscription or a fanout fail, again and again, and returns what its
// supervisor does each time.
func AfterBugs(failures []Failure) []string {
	var s decisions
	rs := actor.NewRestartStatistics()
	for _, f := range failures {
		resumeFirst{}.HandleFailure(nil, &s, nil, rs, f.reason(), nil)
	}
	return s.list
}

// decisions notes what a supervisor decides.
type decisions struct {
	actor.Supervisor
	list []string
}

func (d *decisions) RestartChildren(...*actor.PID) { d.list = append(d.list, "restart") }
func (d *decisions) ResumeChildren(...*actor.PID)  { d.list = append(d.list, "resume") }
