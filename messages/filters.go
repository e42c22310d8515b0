package messages

// Desired asks for one filter at the broker, or for other options on it. Router
// tells session; requests tells router of the filter of the responses.
type Desired struct {
	Filter  string
	QoS     byte
	NoLocal bool
	// Retained asks the MQTT broker for the retained messages. The session sets it
	// if they have not come since RetainedRevision.
	Retained bool
	// Overlaps: another filter may match the same topics. Under MQTT 5 such a filter is
	// subscribed with an identifier, which tells apart the copies that a broker sends for
	// each filter. The router sets it, or the session for filters that are not
	// wanted any more.
	Overlaps bool
	// Revision is higher than in each Desired before. RetainedRevision is the revision of the last
	// Desired of the filter that asked for the retained messages as well; 0: none did.
	Revision, RetainedRevision uint64
}

// DesiredState is a Desired without its filter, as it is kept beside the filter's name.
type DesiredState struct {
	QoS                         byte
	NoLocal, Retained, Overlaps bool
	Revision, RetainedRevision  uint64
}

// State is the Desired without its filter.
func (d Desired) State() DesiredState {
	return DesiredState{d.QoS, d.NoLocal, d.Retained, d.Overlaps, d.Revision, d.RetainedRevision}
}

// Of is the Desired of a filter in that state.
func (a DesiredState) Of(filter string) Desired {
	return Desired{filter, a.QoS, a.NoLocal, a.Retained, a.Overlaps, a.Revision, a.RetainedRevision}
}

// Undesired says that a filter is not wanted any more. Router tells session.
type Undesired struct{ Filter string }

// Granted says which QoS the broker granted for a filter, and which one that revision of
// the Desired asked for. Session tells router, which tells the subscription, or requests.
type Granted struct {
	Filter     string
	Asked, QoS byte
	Revision   uint64
}

// Refused says that the broker refused a filter. Reason is the SUBACK's reason code in
// words, or what the broker does instead of answering (Code is 0x80 then, as under 3.1.1).
// Session tells router, which tells the subscription, or requests.
type Refused struct {
	Filter string
	// Kind is a word of reconcile.Kind.
	Kind     string
	Code     byte
	Reason   string
	Revision uint64
}

// Interrupted says that the connection was lost before all retained messages of a filter
// had come. The next connection asks for them again. Session tells router, which tells the
// subscription.
type Interrupted struct{ Filter string }

// Subscribe asks for one SUBSCRIBE packet, which ID names on its connection. Broker
// tells connection.
type Subscribe struct {
	ID      uint64
	Filters []Desired
}

// Unsubscribe asks for one UNSUBSCRIBE packet. Session tells connection.
type Unsubscribe struct{ Filters []string }

// Subscribed is the broker's answer to Subscribe: one code for each filter in
// their order, the granted QoS or 0x80 and above. Connection tells session.
type Subscribed struct {
	ID      uint64
	Filters []Desired
	Codes   []byte
}

// NoAnswer says that the connection has stopped waiting for the answer to a Subscribe, or to
// an Unsubscribe (ID is 0). The connection lives. Connection tells session.
type NoAnswer struct{ ID uint64 }

// Unsubscribed is the broker's answer to Unsubscribe. Connection tells session.
type Unsubscribed struct{ Filters []string }

func (Desired) toSession()          {}
func (Desired) toRouter()           {}
func (Undesired) toSession()        {}
func (Granted) toRouter()           {}
func (Granted) toSubscription()     {}
func (Refused) toRouter()           {}
func (Refused) toSubscription()     {}
func (Interrupted) toRouter()       {}
func (Interrupted) toSubscription() {}
func (Subscribe) toConnection()     {}
func (Unsubscribe) toConnection()   {}
func (Subscribed) toSession()       {}
func (Unsubscribed) toSession()     {}
func (NoAnswer) toSession()         {}
func (Granted) toRequests()         {}
func (Refused) toRequests()         {}
