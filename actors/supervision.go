package actors

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// How many bugs an actor may show within a time before resuming it is given
// up.
const (
	bugLimit  = 10
	bugWindow = time.Minute
)

// resumeFirst supervises actors that own state which no one else has: after a
// bug they go on with their next message, and only one that fails again and
// again is restarted empty. One that fails as it starts has no state yet: it is started again,
// and goes on with what it has only if that fails again and again.
type resumeFirst struct{}

// HandleFailure resumes or restarts the child.
func (resumeFirst) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, _ any) {
	if _, ok := reason.(byHand); ok {
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

// starting says whether an actor died of a bug as it started, so that it has not all that it
// needs to go on.
func starting(reason any) bool {
	b, _ := reason.(bug)
	_, yes := b.message.(*actor.Started)
	return yes
}

// fatal is why a worker ends because of an actor that could not start, or has failed again
// and again.
func fatal(who *actor.PID, reason any) error {
	if starting(reason) {
		return fmt.Errorf("starting %s: %v", who.GetId(), reason)
	}
	return fmt.Errorf("%s failed more than %d times within %v: %v", who.GetId(), bugLimit, bugWindow, reason)
}
