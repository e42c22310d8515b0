package messages

import "time"

// TargetKind tells groups, channels and streams apart.
type TargetKind byte

// The kinds of Target.
const (
	Group TargetKind = iota
	Channel
	Stream
)

// String is the kind as commands name it.
func (k TargetKind) String() string { return [...]string{"group", "channel", "stream"}[k] }

// Target is what a subscription serves: a group of Channels, one channel, or a Redis stream,
// which keeps what its readers have not finished yet.
type Target struct {
	Kind TargetKind
	Name string
}

// String is the target's name as it stands in the actor tree.
func (t Target) String() string {
	return t.Kind.String() + "/" + t.Name
}

// PayloadMode says how inbound bytes reach Python.
type PayloadMode byte

// The payload modes: as the bytes look, or one forced.
const (
	PayloadAuto PayloadMode = iota
	PayloadJSON
	PayloadText
	PayloadBytes
)

// String is the mode as commands name it.
func (m PayloadMode) String() string { return [...]string{"auto", "json", "text", "bytes"}[m] }

// Overflow says what happens to a message when the queue of a process in the layer is full.
type Overflow byte

// A message waits in order until there is room, at most as long as the layer keeps
// messages; or it is dropped, as Channels does; or the newest of each topic waits.
const (
	OverflowWait Overflow = iota
	OverflowDrop
	OverflowLatest
)

// String is the option as commands name it.
func (o Overflow) String() string { return [...]string{"wait", "drop", "latest"}[o] }

// Options are what one target asked of one filter.
type Options struct {
	QoS      byte
	NoLocal  bool
	Payload  PayloadMode
	Overflow Overflow
	// Shared: every session slot has the filter, as a shared subscription (MQTT 5, 4.8.2),
	// so each message comes to one of them.
	Shared bool
	// Batch is how many messages may travel as one message of the layer, if they wait at the
	// same moment. At 1 or less each travels alone, in the singular form.
	Batch uint16
	// MinInterval is the least time between two messages of one topic. The newest is held
	// back until then. At 0 all are passed on at once.
	MinInterval time.Duration
}

// Subscriber is one target of a subscription, with its options.
type Subscriber struct {
	Target  Target
	Options Options
	// At is the target's actor; nil: it is not known yet.
	At Address
}

// Address is the mailbox of a target's actor.
type Address interface{ Tell(ToFanout) }
