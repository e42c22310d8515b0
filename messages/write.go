package messages

// Batch is what one write to the layer carries. It is not sent to an actor: a
// group keeps it until it was written.
type Batch struct {
	Target  Target
	Bundles []Bundle
	// Queue, if set, is the only queue to write to, and its members are the ones
	// to name: those of the moment when it refused. Else it is the queues of all
	// members that the target has at the moment of writing.
	Queue *Queue
	// Only, if set, are the channels to write to, each reached by the target, and
	// nobody else.
	Only []string
	// Skip names queues (Queue.Name) that are not to be written to, because
	// earlier messages wait for them: they refuse everything.
	Skip []string
	// Stamp belongs to the layer, which sets it at the first attempt, so that a
	// repeated one writes the same bytes; 0 at first.
	Stamp uint64
}

// Bundle is what travels as one message of the layer: one event in the form
// {"type": "<channel>.message", "message": {…}}, or, where Plural is set, one or
// more as {"type": "<channel>.messages", "messages": [{…}, …]}. An event with a
// Body travels alone and as what the Body says.
type Bundle struct {
	Events []Event
	Plural bool
}

// Queue is one queue of the layer: that of a process, or of a general channel.
type Queue struct {
	// Name is the non-local part of its members' names: "specific.…!", "mqtt".
	Name string
	// Members are the full names of the channels that are served by it.
	Members []string
}

// Refusal says that a queue had no room for Batch.Bundles[From:], or was to be
// skipped (From is 0 then).
type Refusal struct {
	Queue Queue
	From  int
}

// Outcome is what became of a Batch.
type Outcome struct {
	// Stored is the number of (bundle, queue) pairs written.
	Stored int
	// Refused are the queues that did not take everything.
	Refused []Refusal
	// Undecodable is the number of events whose payload was not what the
	// subscription forces, and was written as bytes.
	Undecodable int
	// BigNumbers is the number of integers beyond 64 bits in payloads of JSON, which
	// were written as the text of their digits.
	BigNumbers int
	// Full: a stream has no room for the rest of the batch. The same batch, sent again,
	// goes on behind what the stream took.
	Full bool
	// Dropped is the number of events that a full stream did not take and that were not
	// to wait.
	Dropped int
}
