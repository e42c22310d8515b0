package messages

// Batch is one write to the layer. A fanout keeps it until it is written.
type Batch struct {
	Target  Target
	Bundles []Bundle
	// Queue, if set, is the only queue to write to, for the members that it had when it was
	// full. Else the batch goes to the queues of all members of the target.
	Queue *Queue
	// Only, if set, are the only channels to write to. The target reaches each of them.
	Only []string
	// Skip names queues (Queue.Name) not to write to, since earlier messages wait for
	// them. The Outcome has them as FullQueues.
	Skip []string
	// CallLimit is the most events that the layer writes in one step, while which Redis serves
	// nobody else; 0: as many as the layer thinks fit.
	CallLimit int
	// Stamp belongs to the layer. It sets it at the first attempt, so that further attempts
	// write the same bytes; 0 at first.
	Stamp uint64
}

// Bundle becomes one message of the layer: {"type": "<channel>.message", "message": {…}}
// with its one event, or, where Plural is set, {"type": "<channel>.messages", "messages":
// [{…}, …]} with one or more. An event with a Body is alone, and becomes the Body.
type Bundle struct {
	Events []Event
	Plural bool
}

// Queue is one queue of the layer: that of a process, or of a general channel.
type Queue struct {
	// Name is the non-local part of its members' names: "specific.…!", "mqtt".
	Name string
	// Members are the full names of the channels in it.
	Members []string
}

// FullQueue is a queue that had no room for Batch.Bundles[From:], or was in Skip (From is 0
// then).
type FullQueue struct {
	Queue Queue
	From  int
}

// Outcome is what became of a Batch.
type Outcome struct {
	// Stored is the number of (bundle, queue) pairs written.
	Stored int
	// NameBytes is how many bytes of members' names were written with the bundles.
	NameBytes int
	// FullQueues are those that did not take everything.
	FullQueues []FullQueue
	// Undecodable is the number of events written as bytes, since their payload could not
	// be decoded as the subscription asks.
	Undecodable int
	// BigNumbers is the number of integers beyond 64 bits in JSON payloads. They were
	// written as text.
	BigNumbers int
	// Full: a stream has no room for the rest of the batch. Sending the same batch again
	// continues behind what the stream took.
	Full bool
	// Dropped is the number of events that a full stream did not take, and that do not
	// wait.
	Dropped int
}
