package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/retained"
	"chanmqttproxy/actors/throttle"
	"chanmqttproxy/messages"
)

// throttled is a throttle, with a timer for the next message that is due. It is nil until
// something is held back.
type throttled struct {
	*throttle.Throttle
	due timer
}

// idle says that nothing is held back.
func (t *throttled) idle() bool { return t == nil || t.Idle() }

// letGo releases and returns what is held back for targets.
func (t *throttled) letGo(of func(messages.Target) bool) []messages.Deliver {
	if t == nil {
		return nil
	}
	return t.Release(of)
}

// wake sets the timer.
func (t *throttled) wake(ctx actor.Context) {
	if t != nil {
		t.due.set(ctx, t.Next())
	}
}

func (t *throttled) stop() {
	if t != nil {
		t.due.stop()
	}
}

// pending are the recipients that wait for retained messages, with a timer for when all may
// have come. It is nil until there is a recipient.
type pending struct {
	*retained.Pending
	quiet timer
}

// known returns the recipients; a nil Pending has none.
func (p *pending) known() *retained.Pending {
	if p == nil {
		return nil
	}
	return p.Pending
}

func (p *pending) stop() {
	if p != nil {
		p.quiet.stop()
	}
}
