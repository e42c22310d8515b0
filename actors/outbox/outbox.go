package outbox

import (
	"container/list"
	"time"

	"chanmqttproxy/messages"
)

// Outbox holds the publishes that have not taken effect, in the order of their
// commands. It is bounded by the window of commands.
type Outbox struct {
	order     *list.List
	byReceipt map[messages.Receipt]*list.Element
	poison    poison
}

// New makes an empty one.
func New() *Outbox {
	return &Outbox{order: list.New(), byReceipt: map[messages.Receipt]*list.Element{}}
}

// Len is how many publishes it holds.
func (o *Outbox) Len() int { return o.order.Len() }

// Has says whether a publish is in it.
func (o *Outbox) Has(r messages.Receipt) bool { return o.byReceipt[r] != nil }

// Add takes a publish in, and says whether it may be sent now.
func (o *Outbox) Add(p messages.Publish) bool {
	o.byReceipt[p.Receipt] = o.order.PushBack(p)
	return !o.HasCandidate()
}

// Remove takes out a publish that took effect, was refused or is not wanted any more, and
// says whether it was there. Again says that the others, which waited for it, are to be
// sent.
func (o *Outbox) Remove(r messages.Receipt) (taken messages.Publish, again, ok bool) {
	if taken, ok = o.remove(r); ok {
		again = o.poison.clear(r)
	}
	return taken, again, ok
}

// Resend is what to send on a new connection: everything, or nothing while there is a
// candidate. One that is proven to be poison is taken out and returned; nil: there is none.
func (o *Outbox) Resend() (all []messages.Publish, poison *messages.Publish) {
	if r, proven := o.poison.confirmed(); proven {
		if p, ok := o.remove(r); ok {
			poison = &p
		}
	}
	if o.HasCandidate() {
		return nil, poison
	}
	for e := o.order.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(messages.Publish))
	}
	return all, poison
}

// HasCandidate says whether there is a candidate for poison: it is to be tried alone, and the
// others are to wait.
func (o *Outbox) HasCandidate() bool { return o.poison.any() }

// Try is the candidate, if there is one, to be sent alone now that the connection has been
// stable without it.
func (o *Outbox) Try(now time.Time) (messages.Publish, bool) {
	if !o.HasCandidate() {
		return messages.Publish{}, false
	}
	o.poison.tried = now
	return o.first()
}

// Tried says whether the candidate was sent on the live connection.
func (o *Outbox) Tried() bool { return !o.poison.tried.IsZero() }

// Lost notes the loss of a connection that was short-lived, or on which the candidate was
// tried.
func (o *Outbox) Lost(now time.Time) {
	first, ok := o.first()
	o.poison.lost(first.Receipt, ok, now)
}

func (o *Outbox) first() (messages.Publish, bool) {
	if e := o.order.Front(); e != nil {
		return e.Value.(messages.Publish), true
	}
	return messages.Publish{}, false
}

func (o *Outbox) remove(r messages.Receipt) (messages.Publish, bool) {
	e, ok := o.byReceipt[r]
	if !ok {
		return messages.Publish{}, false
	}
	delete(o.byReceipt, r)
	return o.order.Remove(e).(messages.Publish), true
}
