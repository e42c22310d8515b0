package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// alarm sends its actor a message at the time that it was last set to. It belongs to one
// incarnation.
type alarm struct {
	at    time.Time // zero: not set
	timer *time.Timer
	turn  int
}

// fired comes when an alarm is due: see alarm.fired.
type fired struct {
	alarm *alarm
	turn  int
}

// set sets the alarm, in place of what it was set to; the zero time unsets it.
func (a *alarm) set(ctx actor.Context, at time.Time) {
	if at.Equal(a.at) {
		return
	}
	a.stop()
	if a.at = at; at.IsZero() {
		return
	}
	m, self, root := fired{a, a.turn}, ctx.Self(), ctx.ActorSystem().Root
	a.timer = time.AfterFunc(time.Until(at), func() { root.Send(self, m) })
}

// fired says whether m is of this alarm as it is set now, and unsets it.
func (a *alarm) fired(m fired) bool {
	if m.alarm != a || m.turn != a.turn {
		return false
	}
	a.stop()
	return true
}

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
	a.turn++
	a.at = time.Time{}
}
