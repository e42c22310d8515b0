package actors

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// guardian supervises the bridges of a tree. A bridge goes on after a bug. One that could not
// start, or fails again and again, is stopped with its children, and Slot.Err says why.
//
// The actor library never frees a guardian, so there is one for a tree.
type guardian struct {
	mu       sync.Mutex
	failures map[string]error // of the bridges that were stopped, by path
}

func newGuardian() *guardian { return &guardian{failures: map[string]error{}} }

// HandleFailure resumes or stops the bridge. It runs in the bridge's own goroutine.
func (g *guardian) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, bridge *actor.PID, rs *actor.RestartStatistics, reason, _ any) {
	if !starting(reason) && tolerable(rs) {
		s.ResumeChildren(bridge)
		return
	}
	g.mu.Lock()
	g.failures[bridge.GetId()] = fatal(bridge, reason)
	g.mu.Unlock()
	s.StopChildren(bridge)
}

// take returns why the bridge with that path was stopped, once; nil: it was not.
func (g *guardian) take(path string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.failures[path]
	delete(g.failures, path)
	return err
}
