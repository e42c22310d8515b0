package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// timer sends its actor a message at the time that it was last set to. It belongs to one
// incarnation.
type timer struct {
	at      time.Time // zero: not set
	running *time.Timer
	setting int // counts how often it was set or unset
}

// fired comes when a timer is due: see timer.fired.
type fired struct {
	timer   *timer
	setting int
}

// set sets the timer, in place of what it was set to; the zero time unsets it.
func (t *timer) set(ctx actor.Context, at time.Time) {
	if at.Equal(t.at) {
		return
	}
	t.stop()
	if t.at = at; at.IsZero() {
		return
	}
	m, self, root := fired{t, t.setting}, ctx.Self(), ctx.ActorSystem().Root
	t.running = time.AfterFunc(time.Until(at), func() { root.Send(self, m) })
}

// fired says whether m is of this timer as it is set now, and unsets it.
func (t *timer) fired(m fired) bool {
	if m.timer != t || m.setting != t.setting {
		return false
	}
	t.stop()
	return true
}

func (t *timer) stop() {
	if t.running != nil {
		t.running.Stop()
	}
	t.setting++
	t.at = time.Time{}
}
