package messages

import "time"

// Stored is one subscription of one target as it is kept in Redis.
type Stored struct {
	Filter  string
	Target  Target
	Options Options
	// Granted is what older workers have stored of it. It is not used any more.
	Granted bool
	// Static: the configuration wants it, and, where it is Unasked, no command does.
	Static, Unasked bool
	// Since is the Number by which the target became a member, where it was asked for again
	// since then; 0: by Number.
	Since uint64
	// Ending: it was unsubscribed, and stays until nothing can be lost by that: see package
	// placement. No other slot leaves a message to it.
	Ending bool
	// Number is that of the change in the registry; Store does not look at it.
	Number uint64
}

// Change is one change of what is kept in Redis. The changes of one call take
// effect in their order.
type Change struct {
	// Put is stored; Remove is forgotten; at most one of them is set.
	Put, Remove *Stored
	// Leaving notes a filter that nobody wants any more but that the MQTT broker
	// may still have; Gone forgets it again, once the broker has not.
	Leaving, Gone string
	// Session notes that the MQTT broker stores a session of ours under that
	// client id.
	Session string
	// Refusal is kept beside what is stored of its filter; Accepted forgets that of a
	// filter.
	Refusal  *FilterRefusal
	Accepted string

	// Recipient is put into the registry, and Welcomed taken out of it. Epochs, if set,
	// are all layouts that still count. Only the holder of slot 0 may change the registry:
	// with these, Put, Remove, Leaving and Gone.
	Recipient, Welcomed *Recipient
	Epochs              []Epoch
	// Status and Filter are put into the status of the slot that stores the change;
	// Forget is a filter of which it says nothing any more.
	Status *SlotStatus
	Filter *FilterStatus
	Forget string
}

// FilterRefusal is how the MQTT broker refuses a filter, as a later process is to know it.
type FilterRefusal struct {
	// Filter is as the broker has it: see topic.Shared.
	Filter string
	// Kind is a word of reconcile.Kind, and Code the SUBACK's reason code, if there
	// was one.
	Kind string
	Code byte
}

// Keep asks to store changes, after which the command named by Receipt is done.
// Router tells registry.
type Keep struct {
	Receipt Receipt
	Changes []Change
	// Serial, where there are several slots, comes back in Kept.
	Serial uint64
}

// Restored hands over what was stored before: the subscriptions, and filters
// that the MQTT broker may still have though nobody wants them. Registry tells
// router.
type Restored struct {
	Stored  []Stored
	Leaving []string
	Refused []FilterRefusal
	// Epochs are the layouts that still count, the newest last, and Number is that of the
	// last change of the registry.
	Epochs []Epoch
	Number uint64
	// Lost: Redis did not hold the whole registry, or none yet. Readers see it when the next
	// Write has added what else is known.
	Lost bool
	// Several: there are several session slots, or were, and the mirror knows the rest.
	Several bool
}

// Begin says that the subscriptions are known, so that the broker may be
// connected to; Leaving are filters to unsubscribe from, and Refused are those that
// it has refused before. Router tells broker.
type Begin struct {
	Leaving []string
	Refused []FilterRefusal
}

// FilterGone says that the MQTT broker has no subscription for these filters
// any more. Broker tells registry and router.
type FilterGone struct{ Filters []string }

// Drop takes a target out of subscriptions, unless it has asked for them again
// since Asked. Registry tells router.
type Drop struct {
	Target  Target
	Filters []string
	Asked   time.Time
}

func (Keep) toRegistry()       {}
func (Restored) toRouter()     {}
func (Begin) toBroker()        {}
func (FilterGone) toRegistry() {}
func (Drop) toRouter()         {}
