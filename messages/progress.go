package messages

// SlotProgress is how far a session slot has come with making the broker agree with the
// registry.
type SlotProgress struct {
	// Own is how many filters the layout gives to the slot. Granted and Refused are those
	// of them of which the broker has said so; the others wait for it.
	Own, Granted, Refused int
	// Moving is how many filters are on their way to this slot, or from it.
	Moving int
	// Change is the number of the registry's change up to which the broker has answered
	// for all that the slot asks of it. Lag is how many changes there are beyond.
	Change, Lag uint64
}
