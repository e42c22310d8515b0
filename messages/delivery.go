package messages

// Event is one inbound message for one target.
type Event struct {
	Message *Message
	// Body, if set, is an answer or a change of state: a message of the layer that is no
	// MQTT message. If Message has a topic, it is added under "message".
	Body Map
	// QoS is what the target sees: at most what it asked for.
	QoS      byte
	Payload  PayloadMode
	Overflow Overflow
	Batch    int
}

// PackedSize is the most that the payload can take as a message of the layer, in bytes.
// Short floats are the worst in JSON: 1e1 and a comma are packed as nine bytes.
func (e Event) PackedSize() int {
	n := len(e.Message.Payload)
	if n > 0 && (e.Message.Payload[0] == '[' || e.Message.Payload[0] == '{') {
		n = n / 4 * 9
	}
	return n + 1<<10
}

// Size is how much memory a waiting event is taken to occupy, in bytes.
func (e Event) Size() int64 {
	size := e.Message.Size() + 256
	for _, p := range e.Body {
		if text, ok := p.Value.(string); ok {
			size += len(text)
		}
	}
	return int64(size)
}

// Deliver passes a delivery to one target. Router, or a subscription, tells the target's fanout.
// Answers (from commands, with a Receipt that ReplyWritten repeats) and changes of state
// (from broker) come through the router, and have no Weight.
type Deliver struct {
	Target  Target
	At      Address // of its actor, unless it goes through the router
	Event   Event
	Token   Token
	Weight  uint64
	Receipt Receipt
}

// SendRetained asks to send the retained messages of a filter's topics to a recipient that
// a target reaches. One is left out if a live message of its topic has gone to the target
// since. Router tells subscription and fanout. The fanout does not get it from the
// subscription, since a later message of another filter could overtake it there.
type SendRetained struct {
	Target  Target
	Filter  string
	Options Options
	// Channel is the recipient; empty: everybody.
	Channel string
	// Revision is that of the Desired that asks for them.
	Revision uint64
	// After is the Seq of the last delivery that came before.
	After uint64
}

// RetainedComplete says that all retained messages have come for the recipients of a filter
// up to a revision. Subscription tells router, which tells the fanout, and session, without a
// Target; without an actor of the subscription the router tells session.
type RetainedComplete struct {
	Target   Target
	Filter   string
	Revision uint64
}

// Flush asks a subscription to pass on everything that came before, and then to answer
// Flushed. This includes what it holds back (MinInterval) for the targets in Left, or for
// All. Router tells subscription.
type Flush struct {
	Left []Target
	All  bool
}

// Flushed answers Flush. Subscription tells router; without an actor the router does it itself.
type Flushed struct{ Filter string }

// StopWhenIdle asks a fanout to answer Idle when it has nothing left to write. No
// subscription serves it any more. Router tells fanout. It also tells a subscription, which
// answers if it keeps nothing now.
type StopWhenIdle struct{ Number uint64 }

// Idle answers the StopWhenIdle with that number. Fanout tells router, or subscription does,
// which has a Filter.
type Idle struct {
	Target Target
	Filter string
	Number uint64
}

func (Deliver) toRouter()            {}
func (Deliver) toFanout()            {}
func (Flush) toSubscription()        {}
func (Flushed) toRouter()            {}
func (StopWhenIdle) toFanout()       {}
func (StopWhenIdle) toSubscription() {}
func (Idle) toRouter()               {}
func (SendRetained) toSubscription() {}
func (SendRetained) toFanout()       {}
func (RetainedComplete) toFanout()   {}
func (RetainedComplete) toSession()  {}
func (RetainedComplete) toRouter()   {}
