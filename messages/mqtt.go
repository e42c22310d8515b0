package messages

import "time"

// Version is the MQTT protocol that a connection speaks.
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
	// Retain inbound means a delivery from the broker's retained store [MQTT-3.3.1-8].
	Retain bool
	// Dup inbound: the broker may have sent it before [MQTT-3.3.1-1]. Outbound it is not used.
	Dup        bool
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
// trace what they do with a message.
type Span struct {
	Trace [16]byte
	ID    [8]byte
	State string
	// Filter is one by which the message was routed. The router alone writes it, before
	// anybody else has the message; "": there is none.
	Filter string
}

// ConnectionStarted says that an incarnation of the connection is there and waits
// for Connect. Connection tells session.
type ConnectionStarted struct{}

// Connect tells a connection its number, how many failed attempts came before,
// and how long to wait before this one. Session tells connection.
type Connect struct {
	Connection uint64
	Attempt    int
	Pause      time.Duration
}

// Connected says that the broker accepted the connection. Connection tells
// session, which tells router and requests.
type Connected struct {
	Connection uint64
	Info       Connack
}

// Connack is what a CONNACK said, and who sent it.
type Connack struct {
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

func (ConnectionStarted) toSession() {}
func (Connect) toConnection()        {}
func (Connected) toSession()         {}
func (Connected) toRouter()          {}
func (Connected) toRequests()        {}
