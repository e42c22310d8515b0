package messages

import "time"

// Stored is one subscription of one target as it is kept in Redis.
type Stored struct {
	Filter  string
	Target  Target
	Options Options
	// Granted was stored by older workers. It is not used any more.
	Granted bool
	// Static: it stands in the configuration. Unasked: no command has asked for it.
	Static, Unasked bool
	// Since is the Number with which the target became a subscriber, if it was asked for again
	// since then; 0: Number is.
	Since uint64
	// Ending: it was unsubscribed. It stays until nothing can be lost by that: see package
	// placement. No other slot leaves a message to it.
	Ending bool
	// Number is that of the change in the registry. Writing does not use it.
	Number uint64
}

// Change is one change of what is stored in Redis. The changes of one call take effect in
// their order.
type Change struct {
	// Put is stored, Remove is deleted. At most one of them is set.
	Put, Remove *Stored
	// Leaving stores a filter that nobody wants any more and that the MQTT broker may still
	// have. Gone deletes it, once the broker has it no more.
	Leaving, Gone string
	// Session stores the client id of a session of ours at the MQTT broker.
	Session string
	// Refusal is stored for its filter. Accepted deletes the refusal of a filter.
	Refusal  *FilterRefusal
	Accepted string

	// Recipient is put into the registry, RetainedComplete is taken out of it. Epochs, if
	// set, are all layouts that still count. Only the holder of slot 0 may change the
	// registry: by these, Put, Remove, Leaving and Gone.
	Recipient, RetainedComplete *Recipient
	Epochs                      []Epoch
	// Status and Filter are put into the status of the slot that writes the change. Forget
	// takes a filter out of it.
	Status *SlotStatus
	Filter *FilterStatus
	Forget string
}

// FilterRefusal is how the MQTT broker refuses a filter, stored for a later process.
type FilterRefusal struct {
	// Filter is as the broker has it: see topic.Shared.
	Filter string
	// Kind is a word of reconcile.Kind, and Code the SUBACK's reason code; 0: none came.
	Kind string
	Code byte
}

// Keep asks to store changes. The command named by Receipt is done afterwards. Router tells
// store.
type Keep struct {
	Receipt Receipt
	Changes []Change
	// ChangeSeq, where there are several slots, comes back in Kept.
	ChangeSeq uint64
}

// Restored is what was stored before: the subscriptions, the filters that the MQTT broker
// may still have though nobody wants them, and those that it refused. Store tells router.
type Restored struct {
	Stored   []Stored
	Leaving  []string
	Refusals []FilterRefusal
	// Epochs are the layouts that still count, the newest last, and Number is that of the
	// last change of the registry.
	Epochs []Epoch
	Number uint64
	// Lost: Redis has lost a part of the registry, or never had one. Others can read it
	// after the next Write, which adds what is missing.
	Lost bool
	// Several: there are, or were, several session slots. The mirror has the rest then.
	Several bool
}

// StartSession asks to connect to the broker, now that the subscriptions are known. Leaving
// are filters to unsubscribe from, Refusals are those that the broker refused before. Router
// tells session.
type StartSession struct {
	Leaving  []string
	Refusals []FilterRefusal
}

// FilterGone says that the MQTT broker has no subscription for these filters
// any more. Session tells store and router.
type FilterGone struct{ Filters []string }

// Drop takes a target out of subscriptions that it has not asked for again since Asked.
// Store tells router.
type Drop struct {
	Target  Target
	Filters []string
	Asked   time.Time
}

func (Keep) toStore()           {}
func (Restored) toRouter()      {}
func (StartSession) toSession() {}
func (FilterGone) toStore()     {}
func (Drop) toRouter()          {}
