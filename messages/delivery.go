package messages

// Event is one inbound message for one target.
type Event struct {
	Message *Message
	// Body, if set, is a message of the layer that is no MQTT message: an answer
	// or a change of state. Where Message has a topic it is added under "message".
	Body Map
	// QoS is what the target sees: at most what it asked for.
	QoS      byte
	Payload  PayloadMode
	Overflow Overflow
	Batch    int
}

// PackedSize is what the payload measures at most as a message of the layer, in bytes.
// Of what is JSON the worst are short floats: 1e1 and a comma are packed as nine bytes.
func (e Event) PackedSize() int {
	n := len(e.Message.Payload)
	if n > 0 && (e.Message.Payload[0] == '[' || e.Message.Payload[0] == '{') {
		n = n / 4 * 9
	}
	return n + 1<<10
}

// Size is what an event that waits is taken to occupy, in bytes.
func (e Event) Size() int64 {
	size := e.Message.Size() + 256
	for _, p := range e.Body {
		if text, ok := p.Value.(string); ok {
			size += len(text)
		}
	}
	return int64(size)
}

// Deliver passes a delivery to one target. Subscription tells the target's group
// actor. Reader passes answers on as well, of which
// Answered tells by their Receipt, and broker changes of state: these have no
// Weight, and go by the router.
type Deliver struct {
	Target  Target
	At      Address // of its actor, where it does not go by the router
	Event   Event
	Token   Token
	Weight  uint64
	Receipt Receipt
}

// Welcome says that somebody is new among those that a target reaches, and is
// to get the retained values of a filter's topics, each unless a live message of
// that topic was passed on to the target since. Router tells subscription and
// group: the latter not by way of the subscription, as a message that comes later by that
// of another filter could be there first.
type Welcome struct {
	Target  Target
	Filter  string
	Options Options
	// Channel is the recipient; empty: everybody.
	Channel string
	// Serial is that of the Want that asks for the values.
	Serial uint64
	// After is the Seq of the last delivery that came before.
	After uint64
}

// Welcomed says that all retained values have come for the recipients of a filter
// up to a serial. Subscription tells router, which tells the group, and
// broker; for the latter there is no Target.
type Welcomed struct {
	Target Target
	Filter string
	Serial uint64
}

// Flush asks a subscription to say Flushed when it has passed on all that came
// before, with what it holds back for its time of those who have Left, or of All.
// Router tells subscription.
type Flush struct {
	Left []Target
	All  bool
}

// Flushed answers Flush. Subscription tells router.
type Flushed struct{ Filter string }

// Retire asks a group that no subscription serves any more to say Drained when it has
// nothing left. Router tells group.
type Retire struct{ Number uint64 }

// Drained answers the Retire with that number. Group tells router.
type Drained struct {
	Target Target
	Number uint64
}

func (Deliver) toRouter()       {}
func (Deliver) toGroup()        {}
func (Flush) toSubscription()   {}
func (Flushed) toRouter()       {}
func (Retire) toGroup()         {}
func (Drained) toRouter()       {}
func (Welcome) toSubscription() {}
func (Welcome) toGroup()        {}
func (Welcomed) toGroup()       {}
func (Welcomed) toBroker()      {}
func (Welcomed) toRouter()      {}
