package actors

import "chanmqttproxy/messages"

// accounts collects the weights that come back of deliveries, until each is
// whole and may be acknowledged.
type accounts struct {
	partial map[uint64]uint64 // weight so far, by seq
	settled int64             // deliveries that are whole again
}

func newAccounts() accounts { return accounts{partial: map[uint64]uint64{}} }

// credit takes parts back and returns the deliveries of QoS 1 and 2 that are
// whole now.
func (a *accounts) credit(parts []messages.Settlement) (whole []uint64) {
	for _, p := range parts {
		weight := p.Weight
		if weight < messages.Whole {
			weight += a.partial[p.Token.Seq]
		}
		if weight < messages.Whole {
			a.partial[p.Token.Seq] = weight
			continue
		}
		delete(a.partial, p.Token.Seq)
		a.settled++
		if p.Token.QoS > 0 {
			whole = append(whole, p.Token.Seq)
		}
	}
	return whole
}
