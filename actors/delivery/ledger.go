package delivery

import (
	"time"

	"chanmqttproxy/actors/stats"
	"chanmqttproxy/messages"
)

// Ledger collects the weights that come back of deliveries, until each is
// whole and may be acknowledged.
type Ledger struct {
	stats   *stats.Stats
	partial map[uint64]uint64 // weight so far, by seq
}

// NewLedger makes a ledger to which nothing has come back.
func NewLedger(s *stats.Stats) Ledger { return Ledger{s, map[uint64]uint64{}} }

// Credited is what has become whole.
type Credited struct {
	Acknowledge []uint64         // those of QoS 1 and 2
	Settled     int64            // how many of any QoS
	Traced      []messages.Token // those of them that are followed
}

// Credit takes parts back. Now is a time as Token.At is.
func (l *Ledger) Credit(parts []messages.Settlement, now int64) (c Credited) {
	for _, p := range parts {
		if p.Weight == 0 {
			continue // given back before it was passed on
		}
		weight := p.Weight
		if weight < messages.Whole {
			weight += l.partial[p.Token.Seq]
		}
		if weight < messages.Whole {
			l.partial[p.Token.Seq] = weight
			continue
		}
		delete(l.partial, p.Token.Seq)
		l.whole(&c, p.Token, now)
	}
	return c
}

// whole notes a delivery of which all has come back.
func (l *Ledger) whole(c *Credited, token messages.Token, now int64) {
	c.Settled++
	l.stats.Settled.Add(1)
	if token.Traced {
		c.Traced = append(c.Traced, token)
	}
	if token.Replay {
		l.stats.Replaying.Add(-1)
	}
	if token.QoS == 0 {
		l.stats.UnderWayBytes.Add(-int64(token.Size))
		return
	}
	c.Acknowledge = append(c.Acknowledge, token.Seq)
	l.stats.Acknowledgement.Observe(time.Duration(now - token.At))
}
