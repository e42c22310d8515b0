package messages

import "time"

// Failure is why a command did not take effect, as its sender is told.
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

// Answer says what the sender of a command is to be told. It comes before the
// Done of that command from the same actor. Without one a command that is Done
// has succeeded, but for a subscribe, a request and a status, which succeed by an
// Answer only. Router, broker and requests tell reader.
type Answer struct {
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

// Answered says that an answer was written, or given up. Group tells reader.
type Answered struct{ Receipts []Receipt }

// State is how the worker stands with the MQTT broker.
type State struct {
	Connected bool
	// Broker is the address that answered last, and Version what is spoken
	// there; empty and 0 before the first connection.
	Broker  string
	Version Version
	// Since is when Connected became what it is.
	Since time.Time
	// Reason says why it is away.
	Reason string
}

func (Answer) toReader()   {}
func (Answered) toReader() {}
