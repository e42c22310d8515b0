package actors

import (
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
// again is restarted empty.
type resumeFirst struct{}

// HandleFailure resumes or restarts the child.
func (resumeFirst) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, _ any) {
	if _, ok := reason.(byHand); ok {
		s.RestartChildren(child)
		return
	}
	if tolerable(rs) {
		s.ResumeChildren(child)
		return
	}
	rs.Reset()
	s.RestartChildren(child)
}

// tolerable counts a bug and says whether the actor may go on.
func tolerable(rs *actor.RestartStatistics) bool {
	rs.Fail()
	return rs.NumberOfFailures(bugWindow) <= bugLimit
}
