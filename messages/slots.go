package messages

import (
	"slices"
	"strconv"
)

// StreamSlot is the number of the session slot whose subscriptions feed streams. It has
// no place in a Layout: filters for streams are there, and no others.
const StreamSlot = -1

// SlotName is how a slot is called in names of keys, actors and sessions.
func SlotName(slot int) string {
	if slot == StreamSlot {
		return "stream"
	}
	return strconv.Itoa(slot)
}

// Layout is over how many session slots the filters are spread.
type Layout struct {
	Sessions int
	// Before, if set, is over how many they were: those whose place is another now
	// are on their way there.
	Before int
}

// Relaid says that the layout is to be another. The worker tells router.
type Relaid struct{ Layout Layout }

// Rules are what the configuration says of subscriptions and commands, and may say
// otherwise while the worker runs.
type Rules struct {
	// AllowSubscribe and AllowPublish are filters, within one of which every filter
	// and topic of a command must be; nil: all are allowed.
	AllowSubscribe, AllowPublish []string
	// Static are subscriptions that are there from the start and stay.
	Static []SubscribeCommand
}

// Replays says whether one of the static subscriptions asks for retained values as the
// given one does.
func (r Rules) Replays(s SubscribeCommand) bool {
	return slices.ContainsFunc(r.Static, func(o SubscribeCommand) bool {
		return o.Replay && o.Filter == s.Filter && slices.Equal(o.Targets, s.Targets)
	})
}

// For are the rules for one slot: that of the streams has those static subscriptions that
// feed one, and each other slot the rest.
func (r Rules) For(slot int) Rules {
	r.Static = slices.DeleteFunc(slices.Clone(r.Static), func(s SubscribeCommand) bool {
		return (s.Targets[0].Kind == Stream) != (slot == StreamSlot)
	})
	return r
}

// Reconfigured says that other rules hold from now on. The worker tells router.
type Reconfigured struct{ Rules Rules }

// ForStreams is a command that the slot of the streams is to carry out. Router tells
// reader, which keeps it until it is done.
type ForStreams Execute

// StreamsState says that the slot of the streams runs, or does so no more. The worker tells
// the reader of the first slot.
type StreamsState struct{ Up bool }

// Kept says that changes were written: by which commands, up to which Serial of a Keep, and
// the number of the registry then. Registry tells router, where there are several slots.
type Kept struct {
	Receipts []Receipt
	Serial   uint64
	Number   uint64
}

// Leave says that the MQTT broker may have a filter that nobody wants any more. Router
// tells broker.
type Leave struct{ Filter string }

// MarkerTopics begins the topics of the messages that session slots publish to themselves: see
// Mark.
const MarkerTopics = "chanmqttproxy/marker/"

// Mark asks to have a marker published to the session itself: what comes before it was
// published before. Router tells broker, which tells session.
type Mark struct{ Marker string }

// Unmarked says that the MQTT broker does not take a marker. Session tells router.
type Unmarked struct{ Reason string }

// Marked says that a marker is back, in its place among the deliveries, or, without one, that
// those of another connection follow. The marker may be another slot's. Session tells router.
type Marked struct{ Marker string }

// HandOver asks to say HandedOver when all is written that came for a target before, and
// nothing of it is parked. Router tells group.
type HandOver struct {
	Target Target
	ID     uint64
}

// HandedOver answers HandOver. Group tells router.
type HandedOver struct{ ID uint64 }

func (ForStreams) toReader()   {}
func (StreamsState) toReader() {}
func (Relaid) toRouter()       {}
func (Reconfigured) toRouter() {}
func (Kept) toRouter()         {}
func (FilterGone) toRouter()   {}
func (Leave) toBroker()        {}
func (Mark) toBroker()         {}
func (Mark) toSession()        {}
func (Marked) toRouter()       {}
func (Unmarked) toRouter()     {}
func (HandOver) toGroup()      {}
func (HandedOver) toRouter()   {}
