package actors

import (
	"container/list"

	"chanmqttproxy/messages"
)

// outbox holds the publishes that have not taken effect, in the order of their
// commands. It is bounded by the reader's window.
type outbox struct {
	order     *list.List
	byReceipt map[messages.Receipt]*list.Element
}

func newOutbox() outbox {
	return outbox{order: list.New(), byReceipt: map[messages.Receipt]*list.Element{}}
}

func (o *outbox) len() int { return o.order.Len() }

func (o *outbox) add(p messages.Publish) { o.byReceipt[p.Receipt] = o.order.PushBack(p) }

// first is the oldest publish, if there is any.
func (o *outbox) first() (messages.Publish, bool) {
	if e := o.order.Front(); e != nil {
		return e.Value.(messages.Publish), true
	}
	return messages.Publish{}, false
}

func (o *outbox) has(r messages.Receipt) bool { return o.byReceipt[r] != nil }

// remove takes a publish out, and says whether it was there.
func (o *outbox) remove(r messages.Receipt) (messages.Publish, bool) {
	e, ok := o.byReceipt[r]
	if !ok {
		return messages.Publish{}, false
	}
	delete(o.byReceipt, r)
	return o.order.Remove(e).(messages.Publish), true
}

func (o *outbox) each(f func(messages.Publish)) {
	for e := o.order.Front(); e != nil; e = e.Next() {
		f(e.Value.(messages.Publish))
	}
}
