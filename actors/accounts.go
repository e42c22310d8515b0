package actors

import (
	"time"

	"chanmqttproxy/messages"
)

// accounts collects the weights that come back of deliveries, until each is
// whole and may be acknowledged.
type accounts struct {
	*env
	partial map[uint64]uint64 // weight so far, by seq
}

func newAccounts(deps *env) accounts {
	return accounts{env: deps, partial: map[uint64]uint64{}}
}

// credit takes parts back and returns the deliveries of QoS 1 and 2 that are
// whole now.
func (a *accounts) credit(parts []messages.Settlement) (whole []uint64) {
	now, settled := int64(0), int64(0) // the time is asked for once
	for _, p := range parts {
		if p.Weight == 0 {
			continue // given back before it was passed on
		}
		weight := p.Weight
		if weight < messages.Whole {
			weight += a.partial[p.Token.Seq]
		}
		if weight < messages.Whole {
			a.partial[p.Token.Seq] = weight
			continue
		}
		delete(a.partial, p.Token.Seq)
		settled++
		a.Stats.Settled.Add(1)
		if p.Token.Traced {
			a.traces.settle(a.paths, p.Token)
			if a.Options.Settled != nil {
				a.Options.Settled(p.Token.Seq)
			}
		}
		if p.Token.Replay {
			a.Stats.Replaying.Add(-1)
		}
		if p.Token.QoS > 0 {
			whole = append(whole, p.Token.Seq)
			if now == 0 {
				now = arrival(time.Now())
			}
			a.Stats.Acknowledgement.Observe(time.Duration(now - p.Token.At))
		} else {
			a.Stats.UnderWayBytes.Add(-int64(p.Token.Size))
		}
	}
	if settled > 0 {
		a.fresh.done(settled)
	}
	return whole
}
