package messages

import "time"

// Failure is why a command did not take effect, as its sender gets it.
type Failure struct {
	// Code is stable: one of the Code constants, or of those of bad input.
	Code   string
	Reason string
}

// The codes of Failure, beside those of bad input.
const (
	CodeBadCommand   = "bad-command"  // it cannot be read as a whole
	CodeDenied       = "denied"       // the configuration does not allow it
	CodeRefused      = "refused"      // the broker refused it, or there is no room for it
	CodeTooLarge     = "too-large"    // larger than the broker accepts
	CodeTimeout      = "timeout"      // no answer in time
	CodeUnsupported  = "unsupported"  // the broker, or its MQTT version, can't do it
	CodeUnsubscribed = "unsubscribed" // given up again before the broker answered
	CodeBusy         = "busy"         // too many like it are under way
	CodeBug          = "bug"          // the worker failed at it
)

// Reply is the answer to the sender of a command. The same actor sends it before Done.
// A publish or unsubscribe that is Done without a Reply has succeeded. A subscribe,
// request or status always has one. Router, session and requests tell commands.
type Reply struct {
	Receipt Receipt
	// Failure, if set, is why the command did not take effect.
	Failure *Failure
	// QoS is what the broker granted to a subscribe, and what a publish was sent with.
	QoS byte
	// Message is the response to a request.
	Message *Message
	// State is the answer to a status.
	State *State
}

// ReplyWritten says that answers were written, or given up. Fanout tells commands.
type ReplyWritten struct{ Receipts []Receipt }

// State is the state of the connection to the MQTT broker.
type State struct {
	Connected bool
	// Broker is the address that answered last, and Version the protocol spoken there.
	// Both are zero before the first connection.
	Broker  string
	Version Version
	// Since is when Connected changed last.
	Since time.Time
	// Reason is why there is no connection.
	Reason string
}

func (Reply) toCommands()        {}
func (ReplyWritten) toCommands() {}
