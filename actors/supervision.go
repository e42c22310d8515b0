package actors

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// An actor with more than bugLimit bugs within bugWindow is not resumed any more.
const (
	bugLimit  = 10
	bugWindow = time.Minute
)

// resumeFirst supervises actors whose state nobody else has. After a bug an actor goes on with
// its next message; if it fails again and again it is restarted empty. An actor that fails as
// it starts has no state yet: it is restarted at once, and resumed if that fails again and
// again.
type resumeFirst struct{}

// HandleFailure resumes or restarts the child.
func (resumeFirst) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, _ any) {
	if _, ok := reason.(injectedFailure); ok {
		s.RestartChildren(child)
		return
	}
	few := tolerable(rs)
	if few == starting(reason) {
		s.RestartChildren(child)
	} else {
		s.ResumeChildren(child)
	}
	if !few {
		rs.Reset()
	}
}

// tolerable counts a bug and says whether the actor may go on.
func tolerable(rs *actor.RestartStatistics) bool {
	rs.Fail()
	return rs.NumberOfFailures(bugWindow) <= bugLimit
}

// starting says whether an actor failed with a bug as it started, and so may lack what it needs.
func starting(reason any) bool {
	b, _ := reason.(bug)
	_, yes := b.message.(*actor.Started)
	return yes
}

// fatal is the error with which a worker ends if an actor could not start, or failed again and
// again.
func fatal(who *actor.PID, reason any) error {
	if starting(reason) {
		return fmt.Errorf("starting %s: %v", who.GetId(), reason)
	}
	return fmt.Errorf("%s failed more than %d times within %v: %v", who.GetId(), bugLimit, bugWindow, reason)
}
