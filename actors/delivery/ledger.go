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
	undone  map[uint64]bool   // those of which a part came back undone, by seq
}

// NewLedger makes a ledger to which nothing has come back.
func NewLedger(s *stats.Stats) Ledger { return Ledger{s, map[uint64]uint64{}, map[uint64]bool{}} }

// Credited is what has become whole.
type Credited struct {
	Acknowledge []uint64         // those of QoS 1 and 2 of which no part is undone
	Settled     int64            // how many of any QoS
	Traced      []messages.Token // those of them that are followed
}

// Credit takes parts back. Now is a time as Token.At is.
func (l *Ledger) Credit(parts []messages.Settlement, now int64) (c Credited) {
	for _, p := range parts {
		if p.Weight == 0 {
			continue // given back before it was passed on
		}
		if p.Undone {
			l.undone[p.Token.Seq] = true
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
	undone := l.undone[token.Seq]
	delete(l.undone, token.Seq)
	if !undone {
		l.stats.Settled.Add(1)
	}
	if token.Traced {
		c.Traced = append(c.Traced, token)
	}
	if token.Retained {
		l.stats.RetainedInFlight.Add(-1)
	}
	if token.QoS == 0 {
		l.stats.UnderWayBytes.Add(-int64(token.Size))
	}
	if undone || token.QoS == 0 {
		return
	}
	c.Acknowledge = append(c.Acknowledge, token.Seq)
	l.stats.Acknowledgement.Observe(time.Duration(now - token.At))
}
