package actors

import "chanmqttproxy/messages"

// accounts collects the weights that come back of deliveries, until each is
// whole and may be acknowledged. It outlives the connection: what was stored
// while there was none is acknowledged on the next.
type accounts struct {
	partial map[uint64]uint64 // weight so far, by seq
	whole   []uint64          // to be acknowledged
	settled int64             // all deliveries that came back
}

func newAccounts() accounts { return accounts{partial: map[uint64]uint64{}} }

func (a *accounts) credit(parts []messages.Settlement) {
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
			a.whole = append(a.whole, p.Token.Seq)
		}
	}
}

// takeWhole hands over what is to be acknowledged.
func (a *accounts) takeWhole() []uint64 {
	seqs := a.whole
	a.whole = nil
	return seqs
}
