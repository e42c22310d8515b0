package messages

import "time"

// Slot is a session slot while one worker holds it. Epoch is higher than those of all
// assignments of that slot before.
type Slot struct {
	Number int
	Epoch  uint64
}

// LeaseAsk is what a worker tells and asks of the leases of session slots.
type LeaseAsk struct {
	// Worker names the process, as no other is named; Name is for people. The number before
	// the point in Worker, 1 where there is none, is that of the form in which such workers
	// store subscriptions: those of the lowest number that are there hold all slots.
	Worker, Name string
	// Turn is higher than those of all questions of that worker before. One that comes
	// after a later one is refused: it says what was, and could give up what is held again.
	Turn uint64
	// Lease is how long what is granted lasts.
	Lease time.Duration
	// Sessions is how many slots the worker is configured with; Propose asks for a
	// layout of so many.
	Sessions int
	Propose  bool
	// Held are the slots that the worker believes to hold. They are its own as long as
	// nobody else has taken them, also when the lease is over or Redis lost its data.
	Held []Slot
	// Doubtful are those of Held whose leases are over: where Redis has lost its data
	// others may hold them, that it does not know yet.
	Doubtful []int
	// Sent is when this was said, by the server's clock, as far as the worker can tell;
	// zero: it has never been answered. What comes too late claims nothing.
	Sent time.Time
	// Release are given up; Cooling are not wanted for now.
	Release, Cooling []int
	// Layout is what the holder of slot 0 says of the layout: Sessions is the newest that
	// it knows, and Before how many slots are to be leased until all have left what is not
	// their own; 0: no more than Sessions. It counts while Sessions is still the newest.
	// The zero value says nothing.
	Layout Layout
	// Down: the worker does not reach the MQTT broker. Leaving: it takes nothing new.
	Down, Leaving bool
}

// LeaseAnswer says what a worker holds, and how the whole stands.
type LeaseAnswer struct {
	// Now is the server's time; what is Held is until Until, by the same clock.
	Now, Until time.Time
	Held       []Slot
	// Give is a slot to hand over at leisure, so that all have their share; -1: none.
	Give int
	// Soonest is when the next lease of another worker ends, from now; 0: there is none.
	Soonest time.Duration
	Layout
	Slots []SlotFacts
	// Workers is how many are alive.
	Workers int
}

// SlotFacts are what is known of one session slot.
type SlotFacts struct {
	Number int
	// Holder is who holds it, and Name who that is for people; empty: nobody does.
	Holder, Name string
	Epoch        uint64
	// Left is how long the lease is to last, unless it is renewed.
	Left time.Duration
	// Progress is how far the slot has come; nil: this worker does not know.
	Progress *SlotProgress `json:",omitempty"`
}
