package messages

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

func (Want) toBroker()              {}
func (Want) toRouter()              {}
func (Unwant) toBroker()            {}
func (Granted) toRouter()           {}
func (Granted) toSubscription()     {}
func (Refused) toRouter()           {}
func (Refused) toSubscription()     {}
func (Interrupted) toRouter()       {}
func (Interrupted) toSubscription() {}
func (Subscribe) toSession()        {}
func (Unsubscribe) toSession()      {}
func (Subscribed) toBroker()        {}
func (Unsubscribed) toBroker()      {}
func (NoAnswer) toBroker()          {}
func (Granted) toRequests()         {}
func (Refused) toRequests()         {}
