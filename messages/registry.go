package messages

// What the session slots agree on stands in tables in Redis, each with one writer: the
// registry, which the holder of slot 0 writes, says what is wanted; the status of each
// slot, which its holder writes, says how far the slot is with it.

// Epoch is one layout: over how many session slots filters are spread since then. The
// first has the number 1.
type Epoch struct {
	Number   uint64
	Sessions int
}

// Recipient is somebody new in the registry, to which the slot of the filter is to send the
// retained values of its topics: Channel, or, where it is empty, all that the target
// reaches.
type Recipient struct {
	Filter  string
	Target  Target
	Channel string
	// Number is that of the change in the registry.
	Number uint64
}

// Leaving is a filter in the registry that nobody wants any more. It stays there until no
// slot can have it at the MQTT broker.
type Leaving struct {
	// Filter is as the broker has it: see topic.Shared.
	Filter string
	// Number is that of the change in the registry.
	Number uint64
}

// SlotStatus is what a slot says of itself.
type SlotStatus struct {
	// Epoch is the newest layout by which the slot acts, with a connection to the MQTT
	// broker of the holder that says so; 0: none yet.
	Epoch uint64
	// Left is the newest layout for which the slot has left all filters that are not its
	// own: none is in its session, and what had come of them is handed over.
	Left uint64
	// Change is the number of the registry up to which the slot has acted.
	Change uint64
	// Ended is the number up to which it has handed over what had come for subscriptions
	// that are Ending.
	Ended uint64
}

// FilterStatus is what a slot says of one filter.
type FilterStatus struct {
	// Filter is as the broker has it: see topic.Shared.
	Filter string
	// Number is that of the newest change in the registry for which this is the answer.
	Number uint64
	// Granted: the broker has granted the filter, with this QoS.
	Granted bool
	QoS     byte
	// Refusal, if it has a Kind, is how the broker refuses it, and Reason that in words.
	Refusal FilterRefusal
	Reason  string
	// Left is the layout in which the slot left the filter: it is not in its session any
	// more, and what had come of it is handed over; 0: it may be there.
	Left uint64
}

// Position is how far a table has been read. The zero value is its beginning.
type Position struct {
	// Life is drawn when the table is made: where Redis lost it, there is another.
	Life   string
	Number uint64
	// Since is set by who reads: see actors.Registry.
	Since uint64
}

// RegistryTable is the Table of the registry in a Page.
const RegistryTable = -1

// Page is what has changed in one table beyond a Position. Each entry comes once, as it is
// now, the one that was changed last at the end.
type Page struct {
	// Table is RegistryTable, or the number of the slot whose status it is.
	Table int
	// Reset: forget what is known of the table. The page begins at the beginning.
	Reset bool
	// Partial: the next page of the table is there to be read; what was Reset is not whole
	// before.
	Partial bool
	// At is the position of what is read next.
	At Position

	// Epochs, in the registry, are all layouts that still count, the newest last.
	Epochs []Epoch
	// Stored and the others are put, or gone.
	Stored, Removed      []Stored
	Leaving              []Leaving
	Gone                 []string
	Recipients, Welcomed []Recipient

	// Status and Filters are of a slot; Forgotten are filters of which it says nothing
	// any more.
	Status    SlotStatus
	Filters   []FilterStatus
	Forgotten []string
}
