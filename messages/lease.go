package messages

import "time"

// Slot is a session slot while one worker holds it. Epoch is higher than in each earlier
// assignment of the slot.
type Slot struct {
	Number int
	Epoch  uint64
}

// LeaseAsk is a worker's request for leases of session slots.
type LeaseAsk struct {
	// Worker is the unique name of the process; Name is for people. The number before the
	// point in Worker (1 if there is none) is the version of how such workers store
	// subscriptions. Only the workers with the lowest version get slots.
	Worker, Name string
	// RequestSeq is higher than in each earlier request of the worker. A request that a later one
	// has overtaken is refused: it could release what is held again.
	RequestSeq uint64
	// Lease is how long what is granted lasts.
	Lease time.Duration
	// Sessions is how many slots the worker is configured with; Propose asks for a
	// layout of so many.
	Sessions int
	Propose  bool
	// Held are the slots that the worker believes to hold. It keeps them until another
	// worker takes them, also when the lease has expired or Redis has lost its data.
	Held []Slot
	// Doubtful are those of Held whose leases have expired. If Redis has lost its data,
	// another worker may hold them without Redis knowing it yet.
	Doubtful []int
	// Sent is when the request was made, by the server's clock as the worker knows it;
	// zero: it has had no answer yet. A request that comes too late claims nothing.
	Sent time.Time
	// Release are slots to give up. Cooling are slots that the worker does not want for now.
	Release, Cooling []int
	// Layout is the layout as the holder of slot 0 knows it, else zero. Sessions is the
	// newest. Before is how many slots must be leased until all have left the filters that
	// are not their own; 0: no more than Sessions. It counts while Sessions is the newest.
	Layout Layout
	// Down: the worker does not reach the MQTT broker. Leaving: it takes no new slot.
	Down, Leaving bool
}

// LeaseAnswer says which slots a worker holds, and what all workers hold.
type LeaseAnswer struct {
	// Now is the server's time, and Until when the leases on Held expire by that clock.
	Now, Until time.Time
	Held       []Slot
	// Give is a slot to release gracefully, so that all workers have their share; -1: none.
	Give int
	// Soonest is how long the next lease of another worker lasts; 0: there is none.
	Soonest time.Duration
	Layout
	Slots []SlotInfo
	// Workers is how many workers are alive.
	Workers int
}

// SlotInfo is what is known of one session slot.
type SlotInfo struct {
	Number int
	// Holder is the worker that holds it, and Name its name for people; empty: none does.
	Holder, Name string
	Epoch        uint64
	// Left is how long the lease lasts, unless it is renewed.
	Left time.Duration
	// Progress is how far the slot is; nil: this worker does not know.
	Progress *SlotProgress `json:",omitempty"`
}
