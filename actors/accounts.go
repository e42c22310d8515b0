package actors

import (
	"time"

	"chanmqttproxy/actors/delivery"
	"chanmqttproxy/messages"
)

// accounts adds up the weights of deliveries that come back.
type accounts struct {
	*env
	ledger delivery.Ledger
}

func newAccounts(deps *env) accounts { return accounts{deps, delivery.NewLedger(deps.Stats)} }

// credit takes parts back, and returns the deliveries of QoS 1 and 2 that are whole now.
func (a *accounts) credit(parts []messages.Settlement) (whole []uint64) {
	now := arrival(time.Now())
	c := a.ledger.Credit(parts, now)
	for _, token := range c.Traced {
		a.traces.settle(a.paths, token)
		if a.Options.Settled != nil {
			a.Options.Settled(token.Seq)
		}
	}
	a.flow.settled.Add(c.Settled)
	return c.Acknowledge
}
