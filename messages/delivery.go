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

// Deliver passes a delivery to one target. Subscription tells groups, which
// tells the target's group actor. Reader passes answers on as well, of which
// Answered tells by their Receipt, and broker changes of state; these have no
// Weight.
type Deliver struct {
	Target  Target
	Event   Event
	Token   Token
	Weight  uint64
	Receipt Receipt
}

// Welcome says that somebody is new among those whom a target reaches, and is
// to get the retained values of a filter's topics, each unless a live message of
// that topic was passed on to the target since. Router tells subscription, and
// groups, which tells the group: not by way of the subscription, so that no message
// that comes later by that of another filter is there first.
type Welcome struct {
	Target  Target
	Filter  string
	Options Options
	// Channel is the newcomer; empty: everybody.
	Channel string
	// Serial is that of the Want that asks for the values.
	Serial uint64
	// After is the Seq of the last delivery that came before.
	After uint64
}

// Welcomed says that all retained values have come for the newcomers of a filter
// up to a serial. Subscription tells router, groups, which tells the group, and
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

// Retire says that no subscription serves the target any more. Router tells
// groups, which tells the group.
type Retire struct{ Target Target }

// Drained says that a retired group has nothing left after handling the given
// number of messages. Group tells groups.
type Drained struct {
	Target  Target
	Handled uint64
}

func (Deliver) toGroups()       {}
func (Deliver) toGroup()        {}
func (Flush) toSubscription()   {}
func (Flushed) toRouter()       {}
func (Retire) toGroups()        {}
func (Retire) toGroup()         {}
func (Drained) toGroups()       {}
func (Welcome) toSubscription() {}
func (Welcome) toGroups()       {}
func (Welcome) toGroup()        {}
func (Welcomed) toGroups()      {}
func (Welcomed) toGroup()       {}
func (Welcomed) toBroker()      {}
func (Welcomed) toRouter()      {}
