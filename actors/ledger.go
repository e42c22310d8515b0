package actors

import (
	"time"

	"chanmqttproxy/actors/delivery"
	"chanmqttproxy/messages"
)

// ledger adds up the weights of deliveries that come back.
type ledger struct {
	*env
	parts delivery.Ledger
}

func newLedger(deps *env) ledger { return ledger{deps, delivery.NewLedger(deps.Stats)} }

// credit takes parts back, and returns the deliveries of QoS 1 and 2 that are whole now.
func (l *ledger) credit(parts []messages.Settlement) (whole []uint64) {
	now := arrival(time.Now())
	c := l.parts.Credit(parts, now)
	for _, token := range c.Traced {
		l.traces.settle(l.paths, token)
		if l.Options.Settled != nil {
			l.Options.Settled(token.Seq)
		}
	}
	l.flow.settled.Add(c.Settled)
	return c.Acknowledge
}
