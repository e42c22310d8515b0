package messages

import "time"

// Version is the MQTT protocol that a session speaks.
type Version byte

// The two protocols. Their values are those of the CONNECT packet's protocol
// level [MQTT-3.1.2-2].
const (
	MQTT311 Version = 4
	MQTT5   Version = 5
)

// String names the version as people do.
func (v Version) String() string {
	if v == MQTT311 {
		return "3.1.1"
	}
	return "5"
}

// Properties are the MQTT 5 properties of a PUBLISH that belong to the
// application. The zero value of a field means that the publisher did not set
// it, or to an empty text; nil where there are none at all.
type Properties struct {
	ContentType     string
	ResponseTopic   string
	CorrelationData []byte
	UserProperties  []UserProperty
	// MessageExpiry is in seconds; nil: the message never expires.
	MessageExpiry *uint32
	// PayloadFormat is 0 (unspecified bytes) or 1 (UTF-8 text).
	PayloadFormat *byte
}

// UserProperty is one name and value; names may repeat and keep their order.
type UserProperty struct{ Key, Value string }

// Message is one application message as the broker sent it, or as it is to be
// published.
type Message struct {
	Topic   string
	Payload []byte
	QoS     byte
	// DefaultQoS: nobody asked for that QoS, so that a broker which takes less gets less.
	DefaultQoS bool
	// Retain inbound means a replay from the broker's retained store [MQTT-3.3.1-8].
	Retain     bool
	Properties *Properties
	// At is when it arrived; zero outbound.
	At time.Time
	// Trace is the number of the Trace that follows it; 0: none does.
	Trace uint64
	// Span is that of its way in an OpenTelemetry trace; nil: it is in none.
	Span *Span
}

// userPropertyBytes is what a user property takes beside its texts: two string headers and
// what allocating the texts adds.
const userPropertyBytes = 64

// Size is the memory, in bytes, that the parts of the message take which its publisher
// chooses.
func (m *Message) Size() int {
	size := len(m.Topic) + len(m.Payload)
	if p := m.Properties; p != nil {
		size += len(p.ContentType) + len(p.ResponseTopic) + len(p.CorrelationData) + userPropertyBytes*len(p.UserProperties)
		for _, u := range p.UserProperties {
			size += len(u.Key) + len(u.Value)
		}
	}
	return size
}

// Span names a span of OpenTelemetry (W3C Trace Context), for those who add to its
// trace what they do with a message. It is never changed.
type Span struct {
	Trace [16]byte
	ID    [8]byte
	State string
}

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
	// Fresh: it was published just before it came, since the broker had nothing else
	// that waited for the session.
	Fresh   bool
	Message *Message
	// To are those who get the message by the subscription's filter; of a retained
	// value those whose newcomers do.
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

// Want asks for one filter at the broker, or for other options on it. Router
// tells broker; requests tells router of the filter of the responses.
type Want struct {
	Filter  string
	QoS     byte
	NoLocal bool
	// Serial is higher than those of all Wants before. Replay is the serial of
	// the last Want of the filter that asked for the topics' retained values as
	// well; 0: none.
	Serial, Replay uint64
	// Retained asks the MQTT broker for the retained values. The broker actor sets
	// it where a Replay has not taken place.
	Retained bool
	// Overlaps: another wanted filter may match the same topics. Under
	// MQTT 5 such a filter is subscribed with an identifier, so that the copies
	// which a broker sends for each filter can be told apart. The router finds out;
	// the broker actor, for filters that are not wanted any more.
	Overlaps bool
}

// Unwant gives a filter up. Router tells broker.
type Unwant struct{ Filter string }

// Granted says with which QoS the broker granted a filter, and which was asked
// for, by the Want of that serial. Broker tells router, which tells the
// subscription, or requests.
type Granted struct {
	Filter     string
	Asked, QoS byte
	Serial     uint64
}

// Refused says that the broker refused a filter, and why: the SUBACK's reason
// code (0x80 under 3.1.1) in words, or what else it does (Code is 0x80 then). Broker
// tells router, which tells the subscription, or requests.
type Refused struct {
	Filter string
	// Kind is a word of reconcile.Kind.
	Kind   string
	Code   byte
	Reason string
	Serial uint64
}

// Interrupted says that the connection was lost on which the broker may have
// been sending the retained values of a filter's topics: they are asked for again
// on the next. Broker tells router, which tells the subscription.
type Interrupted struct{ Filter string }

// Publish asks for one message to be published; Receipt names the command it
// came from. Router and requests tell broker, broker tells session.
type Publish struct {
	Receipt Receipt
	Message *Message
	// More says to a Session that others follow at once, so that it may write them
	// together.
	More bool
}

// Published says that a publish took effect: written (QoS 0), acknowledged
// (QoS 1, 2), or refused for good, with the reason. Session tells broker.
type Published struct {
	Receipt Receipt
	// QoS is the one that was used.
	QoS byte
	// Unsent: it was refused without sending it, since the broker does not take such a
	// message.
	Unsent bool
	// Code is the reason code of PUBACK, PUBREC or PUBCOMP; 0x80 and above is
	// a refusal.
	Code   byte
	Reason string
}

// Unpublished says that a message will not be published, of which its sender has
// been told. Broker tells requests.
type Unpublished struct{ Message *Message }

// Withdraw says that a publish is not wanted any more, unless it is on its way
// already. Its command is done. Requests tells broker.
type Withdraw struct{ Receipt Receipt }

// Subscribe asks for one SUBSCRIBE packet, which ID names on its connection. Broker
// tells session.
type Subscribe struct {
	ID      uint64
	Filters []Want
}

// Unsubscribe asks for one UNSUBSCRIBE packet. Broker tells session.
type Unsubscribe struct{ Filters []string }

// Subscribed is the broker's answer to Subscribe: one code for each filter in
// their order, the granted QoS or 0x80 and above. Session tells broker.
type Subscribed struct {
	ID      uint64
	Filters []Want
	Codes   []byte
}

// NoAnswer says that the session waits no more for the answer to a Subscribe, or,
// where ID is 0, to an Unsubscribe. The connection lives. Session tells broker.
type NoAnswer struct{ ID uint64 }

// Unsubscribed is the broker's answer to Unsubscribe. Session tells broker.
type Unsubscribed struct{ Filters []string }

// SessionStarted says that an incarnation of the session is there and waits
// for Connect. Session tells broker.
type SessionStarted struct{}

// Connect tells a session which connection it is, how many failed attempts came before,
// and how long to wait before this one. Broker tells session.
type Connect struct {
	Connection uint64
	Attempt    int
	Pause      time.Duration
}

// Connected says that the broker accepted the connection. Session tells
// broker, which tells router and requests.
type Connected struct {
	Connection uint64
	Info       SessionInfo
}

// SessionInfo is what a CONNACK said.
type SessionInfo struct {
	Version Version
	// Broker is the address that answered.
	Broker string
	// ClientID is the one that was used.
	ClientID string
	// Present: the broker had a stored session for this client id.
	Present bool
	// KeepAlive is in seconds, as the server wants it.
	KeepAlive uint16
	// MaximumPacket is in bytes; 0: no limit.
	MaximumPacket uint32
}

func (Delivery) toRouter()          {}
func (Delivery) toSubscription()    {}
func (Settled) toBroker()           {}
func (Want) toBroker()              {}
func (Want) toRouter()              {}
func (Unwant) toBroker()            {}
func (Granted) toRouter()           {}
func (Granted) toSubscription()     {}
func (Refused) toRouter()           {}
func (Refused) toSubscription()     {}
func (Interrupted) toRouter()       {}
func (Interrupted) toSubscription() {}
func (Publish) toBroker()           {}
func (Publish) toSession()          {}
func (Published) toBroker()         {}
func (Subscribe) toSession()        {}
func (Unsubscribe) toSession()      {}
func (Subscribed) toBroker()        {}
func (Unsubscribed) toBroker()      {}
func (NoAnswer) toBroker()          {}
func (SessionStarted) toBroker()    {}
func (Connect) toSession()          {}
func (Connected) toBroker()         {}
func (Connected) toRouter()         {}
func (Connected) toRequests()       {}
func (Granted) toRequests()         {}
func (Refused) toRequests()         {}
func (Unpublished) toRequests()     {}
func (Withdraw) toBroker()          {}
