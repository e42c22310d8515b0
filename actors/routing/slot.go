package routing

import (
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Slot is what matters only where there are several session slots.
type Slot struct {
	Kept    []messages.Delivery
	Leaving *Leaving // nil: the filter stays
	Number  uint64   // of the registry's last change that asks for it
	Greeted uint64   // that of the last recipient of retained messages
}

// Leaving is that of a filter which goes to another slot.
type Leaving struct {
	Last   time.Time // when something came last, or the broker had answered
	Closed bool      // what comes from now on is the other slot's
}

// closed says whether another slot delivers all that comes of the filter.
func (r *Route) closed() bool { return r.Leaving != nil && r.Leaving.Closed }

// shared says whether every slot holds the filter.
func (r *Route) shared() bool { return topic.IsShared(r.Wire) }
