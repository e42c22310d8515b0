package messages

// SlotProgress is how far a session slot is with subscribing to what the registry says.
type SlotProgress struct {
	// Own is how many filters the layout gives to the slot. Granted and Refused are how
	// many of them the broker has answered for; the others wait for its answer.
	Own, Granted, Refused int
	// Moving is how many filters are on their way to this slot, or from it.
	Moving int
	// Change is the number of a change of the registry: the broker has answered for
	// everything up to it. Lag is how many changes follow it.
	Change, Lag uint64
}
