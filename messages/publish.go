package messages

// Publish asks for one message to be published; Receipt names the command it
// came from. Router and requests tell session, session tells connection.
type Publish struct {
	Receipt Receipt
	Message *Message
	// More: others follow at once, so a Conn may write them together.
	More bool
}

// Published says that a publish took effect: written (QoS 0), acknowledged
// (QoS 1, 2), or refused for good, with the reason. Connection tells session.
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

// Unpublished says that a message will not be published. Its sender has the answer
// already. Session tells requests.
type Unpublished struct{ Message *Message }

// Withdraw takes a publish back, unless it is on its way already. Its command is done.
// Requests tells session.
type Withdraw struct{ Receipt Receipt }

func (Publish) toSession()      {}
func (Publish) toConnection()   {}
func (Published) toSession()    {}
func (Unpublished) toRequests() {}
func (Withdraw) toSession()     {}
