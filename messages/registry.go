package messages

// The session slots share tables in Redis. Each table has one writer. The holder of slot 0
// writes the registry, which says what is wanted. The holder of each slot writes the
// status of the slot, which says how far it is.

// Epoch is one layout, that is, over how many session slots the filters are spread. The
// first epoch has the number 1.
type Epoch struct {
	Number   uint64
	Sessions int
}

// Recipient is an entry of the registry: the slot of the filter has to send it the retained
// messages. They go to Channel, or, where it is empty, to all that the target reaches.
type Recipient struct {
	Filter  string
	Target  Target
	Channel string
	// Number is that of the change in the registry.
	Number uint64
}

// Leaving is an entry of the registry: a filter that nobody wants any more. It stays until
// no slot can have it at the MQTT broker.
type Leaving struct {
	// Filter is as the broker has it: see topic.Shared.
	Filter string
	// Number is that of the change in the registry.
	Number uint64
}

// SlotStatus is what a slot writes about itself.
type SlotStatus struct {
	// Epoch is the newest layout that the slot follows, once its present holder has been
	// connected to the MQTT broker; 0: none yet.
	Epoch uint64
	// Left is the newest layout for which the slot has left all filters that are not its
	// own: its session has none of them, and all their messages are written.
	Left uint64
	// Change is the number of the registry up to which the slot has acted.
	Change uint64
	// Ended is the number of the registry up to which the messages of subscriptions that
	// are Ending are written.
	Ended uint64
}

// FilterStatus is what a slot writes about one filter.
type FilterStatus struct {
	// Filter is as the broker has it: see topic.Shared.
	Filter string
	// Number is that of the newest change in the registry that this answers.
	Number uint64
	// Granted: the broker has granted the filter, with this QoS.
	Granted bool
	QoS     byte
	// Refusal, if it has a Kind, is how the broker refuses the filter, and Reason why.
	Refusal FilterRefusal
	Reason  string
	// Left is the layout in which the slot left the filter: its session does not have it
	// any more, and its messages are written; 0: the session may have it.
	Left uint64
}

// Position is how far a table has been read. The zero value is its beginning.
type Position struct {
	// Life is a random name that the table gets when it is created. It is another one
	// after Redis has lost the table.
	Life   string
	Number uint64
	// Since is for the reader: see actors.Registry.
	Since uint64
}

// RegistryTable is the Table of the registry in a Page.
const RegistryTable = -1

// Page is what has changed in one table since a Position. Each entry comes once, as it is
// now, in the order of its last change.
type Page struct {
	// Table is RegistryTable, or the number of the slot whose status it is.
	Table int
	// Reset: the table is read from its beginning. Forget what is known of it.
	Reset bool
	// Partial: a further page of the table follows. A table that was Reset is not complete
	// before the last.
	Partial bool
	// At is the position behind the page.
	At Position

	// Epochs, in the registry, are all layouts that still count, the newest last.
	Epochs []Epoch
	// Stored and the others are put, or gone.
	Stored, Removed              []Stored
	Leaving                      []Leaving
	Gone                         []string
	Recipients, RetainedComplete []Recipient

	// Status and Filters are those of a slot. Forgotten are filters that its status does not
	// have any more.
	Status    SlotStatus
	Filters   []FilterStatus
	Forgotten []string
}
