package messages

// Token names one delivery: what is needed to acknowledge it. Seq counts the
// deliveries of all connections; Size is that of the message; At is
// when it arrived, as its maker counts time.
type Token struct {
	Seq  uint64
	At   int64
	Size uint32
	QoS  byte
	// Replay: it is a retained value that was asked for.
	Replay bool
	// Traced: the message is followed, or has a Span.
	Traced bool
}

// Whole is the weight that a delivery starts with. Whoever passes a delivery
// on to several others splits its weight among them, and whoever is done with
// its part gives that part back in Settled; the delivery is done when the
// parts add up to Whole. No counting message has to overtake another.
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

// Delivery is an inbound message on its way. Session tells router; router
// tells each matching subscription.
type Delivery struct {
	Token  Token
	Weight uint64
	// Identifiers are those of the MQTT 5 subscriptions for which the broker
	// sent this copy [MQTT-3.3.4-3]; none: for all that match.
	Identifiers []uint32
	// Since: it was published after that moment, which is a time as Token.At is; 0: not known.
	Since   int64
	Message *Message
	// To are those who get the message by the subscription's filter; of a retained
	// value those whose recipients do.
	To []Member
}

// Settlement gives back a part of a delivery's weight.
type Settlement struct {
	Token  Token
	Weight uint64
	// Undone says that the part went nowhere: the delivery is not to be acknowledged, so
	// that the next holder of the session gets it again.
	Undone bool
}

// Settled says that parts of deliveries reached the layer or were given up
// for good. Router, subscription, groups and group tell broker.
type Settled struct{ Parts []Settlement }

func (Delivery) toRouter()       {}
func (Delivery) toSubscription() {}
func (Settled) toBroker()        {}
