package routing

import (
	"time"

	"chanmqttproxy/messages"
)

// Slot is what matters only where there are several session slots.
type Slot struct {
	Kept          []messages.Delivery
	Leaving       *Leaving // nil: the filter stays
	Number        uint64   // of the registry's last change that asks for it
	LastRecipient uint64   // the number of the last recipient of retained messages
}

// Slot is what matters of the route only where there are several session slots. It can be changed.
// The first call makes room for it.
func (r *Route) Slot() *Slot { return &r.few().slot }

// TakeKept returns the deliveries that are kept back, which are not kept any more.
func (r *Route) TakeKept() []messages.Delivery {
	if r.rare == nil {
		return nil
	}
	kept := r.rare.slot.Kept
	r.rare.slot.Kept = nil
	return kept
}

// LeavingNow is how the filter goes to another slot; nil: it stays.
func (r *Route) LeavingNow() *Leaving {
	if r.rare == nil {
		return nil
	}
	return r.rare.slot.Leaving
}

// Leaving is that of a filter which goes to another slot.
type Leaving struct {
	Last time.Time // when something came last, or the broker had answered
	// Closed: deliveries with a higher Seq than After are not delivered, since the other slot has them.
	Closed bool
	After  uint64
}

// Close closes a filter for what comes from now on.
func (t *Table) Close(l *Leaving) {
	if !l.Closed {
		l.Closed, l.After = true, t.after
	}
}

// closed says whether another slot delivers a message, and this one does not. What the broker repeats
// may be older than it looks.
func (r *Route) closed(d messages.Delivery) bool {
	l := r.LeavingNow()
	return l != nil && l.Closed && d.Token.Seq > l.After && !d.Message.Dup
}
