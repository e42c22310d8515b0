package messages

// Token names one delivery, and is what acknowledging it needs. Seq counts the deliveries
// of all connections. Size is that of the message in bytes. At is when it arrived, in
// nanoseconds since the process started.
type Token struct {
	Seq  uint64
	At   int64
	Size uint32
	QoS  byte
	// Retained: it is a retained message that was asked for.
	Retained bool
	// Traced: the message is followed, or has a Span.
	Traced bool
}

// Whole is the weight that a delivery starts with, as in weighted reference counting. An
// actor that passes a delivery on to several others splits its weight among them. An actor
// that is done with its part gives it back in Settled. The delivery is done when the parts
// add up to Whole, in whichever order they come.
const Whole uint64 = 1 << 62

// Split divides weight into n parts and returns the i-th. The parts of one
// split add up to weight exactly.
func Split(weight uint64, n, i int) uint64 {
	part := weight / uint64(n)
	if i == 0 {
		return weight - part*uint64(n-1)
	}
	return part
}

// Delivery is an inbound message on its way. Connection tells router; router
// tells each matching subscription.
type Delivery struct {
	Token  Token
	Weight uint64
	// Identifiers are those of the MQTT 5 subscriptions for which the broker
	// sent this copy [MQTT-3.3.4-3]; none: for all that match.
	Identifiers []uint32
	// Since: it was published after that moment, a time like Token.At; 0: not known.
	Since   int64
	Message *Message
	// To are the subscribers that get the message by the subscription's filter. For a
	// retained message these are the targets of its recipients.
	To []Subscriber
}

// Settlement gives back a part of a delivery's weight.
type Settlement struct {
	Token  Token
	Weight uint64
	// Undone: the part went nowhere. The delivery must not be acknowledged, so that the
	// next holder of the session gets it again.
	Undone bool
}

// Settled says that parts of deliveries reached the layer, or were given up for good.
// Router, subscription and fanout tell session.
type Settled struct{ Parts []Settlement }

func (Delivery) toRouter()       {}
func (Delivery) toSubscription() {}
func (Settled) toSession()       {}
