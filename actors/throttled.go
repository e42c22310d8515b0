package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/retained"
	"chanmqttproxy/actors/throttle"
	"chanmqttproxy/messages"
)

// throttled is a throttle with the timer that is set to when the next message is due. There
// is none, nil, where nothing was ever held back.
type throttled struct {
	*throttle.Throttle
	due alarm
}

// idle says that nothing is held back.
func (t *throttled) idle() bool { return t == nil || t.Idle() }

// letGo is what is held back for targets, which is held back no more.
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

// pending are those who wait for retained messages, with the timer that is set to when all
// may have come. There are none, nil, where nobody ever has.
type pending struct {
	*retained.Pending
	quiet alarm
}

// known is what is known of them.
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
