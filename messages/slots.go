package messages

import (
	"slices"
	"strconv"
)

// StreamSlot is the number of the session slot whose subscriptions feed streams. It is not
// part of a Layout: it has the filters for streams, and no others.
const StreamSlot = -1

// SlotName is the slot's part in the names of keys, actors and sessions.
func SlotName(slot int) string {
	if slot == StreamSlot {
		return "stream"
	}
	return strconv.Itoa(slot)
}

// Layout is over how many session slots the filters are spread.
type Layout struct {
	Sessions int
	// Before, if set, is over how many they were spread. Filters whose slot is another now
	// are on their way to it.
	Before int
}

// LayoutChanged gives the router another layout. The worker sends it.
type LayoutChanged struct{ Layout Layout }

// Rules are the settings for subscriptions and commands that may change while the worker
// runs.
type Rules struct {
	// AllowSubscribe and AllowPublish are filters. The filter or topic of a command must
	// lie within one of them; nil: all are allowed.
	AllowSubscribe, AllowPublish []string
	// Static are the subscriptions of the configuration. No command removes them.
	Static []SubscribeCommand
}

// AsksRetained says whether a static subscription like the given one asks for retained messages.
func (r Rules) AsksRetained(s SubscribeCommand) bool {
	return slices.ContainsFunc(r.Static, func(o SubscribeCommand) bool {
		return o.Retained && o.Filter == s.Filter && slices.Equal(o.Targets, s.Targets)
	})
}

// For returns the rules for one slot. The slot of the streams gets the static subscriptions
// that feed streams, each other slot the rest.
func (r Rules) For(slot int) Rules {
	r.Static = slices.DeleteFunc(slices.Clone(r.Static), func(s SubscribeCommand) bool {
		return (s.Targets[0].Kind == Stream) != (slot == StreamSlot)
	})
	return r
}

// Reconfigured says that the rules have changed. The worker tells router.
type Reconfigured struct{ Rules Rules }

// ForStreams is a command that the slot of the streams is to carry out. Router tells
// commands, which keeps it until it is done.
type ForStreams Execute

// StreamsState says whether the slot of the streams runs. The worker tells the commands actor of the
// first slot.
type StreamsState struct{ Up bool }

// Kept says that changes were written: those of the commands with these receipts, up to the
// Keep with that ChangeSeq. Number is that of the registry afterwards. Store tells router,
// if there are several slots.
type Kept struct {
	Receipts  []Receipt
	ChangeSeq uint64
	Number    uint64
}

// Leave says that the MQTT broker may have a filter that nobody wants any more. Router
// tells session.
type Leave struct{ Filter string }

// MarkerTopics begins the topics of markers: see Mark.
const MarkerTopics = "chanmqttproxy/marker/"

// Mark asks to publish a marker, a message that the session gets back itself. What comes
// after it was published after it. Router tells session, which tells connection.
type Mark struct{ Marker string }

// Unmarked says that the MQTT broker does not take a marker. Connection tells router.
type Unmarked struct{ Reason string }

// Marked says that a marker has come back, in its place among the deliveries. It may be
// another slot's. An empty Marker says that the deliveries of another connection follow.
// Connection tells router.
type Marked struct{ Marker string }

// HandOver asks to answer HandedOver when all that came for a target before is written, and
// nothing of it waits in an overflow queue. Router tells fanout.
type HandOver struct {
	Target Target
	ID     uint64
}

// HandedOver answers HandOver. Fanout tells router.
type HandedOver struct{ ID uint64 }

func (ForStreams) toCommands()   {}
func (StreamsState) toCommands() {}
func (LayoutChanged) toRouter()  {}
func (Reconfigured) toRouter()   {}
func (Kept) toRouter()           {}
func (FilterGone) toRouter()     {}
func (Leave) toSession()         {}
func (Mark) toSession()          {}
func (Mark) toConnection()       {}
func (Marked) toRouter()         {}
func (Unmarked) toRouter()       {}
func (HandOver) toFanout()       {}
func (HandedOver) toRouter()     {}
