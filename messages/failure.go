package messages

import (
	"fmt"
	"time"
)

// Cause tells the failures of a connection apart, for the supervisor and for
// people.
type Cause byte

// The causes, worst news first.
const (
	// Network: nobody answered, or the connection broke.
	Network Cause = iota
	// ProtocolRefused: the broker does not speak the version that was tried.
	ProtocolRefused
	// ProtocolUnclear: the broker closed without a word, which some brokers do
	// at a version they do not speak, and all do when they stop.
	ProtocolUnclear
	// BadCredentials: user, password, certificate or ban.
	BadCredentials
	// ClientIDRefused: the broker does not want this client id.
	ClientIDRefused
	// TakenOver: another connection uses our client id [MQTT-3.1.4-3].
	TakenOver
	// BrokerRefused: any other refusal or disconnect, as Reason says.
	BrokerRefused
	// Unanswered: the broker accepted the connection, but did not answer CONNECT in
	// time.
	Unanswered
	// SessionKept: the broker still has a session that it was told to drop.
	SessionKept
	// SessionReplayed: the broker hands out the same messages whenever the session is
	// resumed, so that it is dropped.
	SessionReplayed
)

// String says the cause in a few words.
func (c Cause) String() string {
	switch c {
	case ProtocolRefused:
		return "protocol version not spoken"
	case ProtocolUnclear:
		return "closed without an answer"
	case BadCredentials:
		return "credentials refused"
	case ClientIDRefused:
		return "client id refused"
	case TakenOver:
		return "session taken over by another client with the same id"
	case BrokerRefused:
		return "refused by the broker"
	case Unanswered:
		return "no answer to CONNECT"
	case SessionReplayed:
		return "the broker sends the same messages again at each connection"
	case SessionKept:
		return "the broker has not dropped the old session yet"
	default:
		return "network"
	}
}

// ConnectionFailure is what a connection dies of: it could not be made, or was lost.
type ConnectionFailure struct {
	// Doing is what was being done, with what: "connecting to tcp://…".
	Doing string
	Cause Cause
	// Detail is what is known beside Cause.
	Detail Detail
	// Code is the reason code the broker gave, 0 where it gave none.
	Code byte
	// Closed: the broker, or what is between, closed a connection that was made.
	Closed bool
	// Next is the version that the server is to be tried with at once, since it does not
	// seem to speak the one that was tried; 0: there is none.
	Next Version
	Err  error
}

// Error says what was being done and why it failed.
func (f *ConnectionFailure) Error() string {
	if f.Err == nil {
		return fmt.Sprintf("%s: %s", f.Doing, f.Cause)
	}
	return fmt.Sprintf("%s: %s: %v", f.Doing, f.Cause, f.Err)
}

// Kind says, for people, which kind of failure it is, without what is of this one alone.
func (f *ConnectionFailure) Kind() string {
	switch {
	case f.Detail != 0:
		return f.Cause.String() + ": " + f.Detail.String()
	case f.Cause == BrokerRefused && f.Code >= 0x80:
		return f.Cause.String() + ": " + Reason(f.Code)
	default:
		return f.Cause.String()
	}
}

// Unwrap gives the underlying error.
func (f *ConnectionFailure) Unwrap() error { return f.Err }

// RedisConnectTimeout is how long connecting to Redis may take where the settings do not say.
const RedisConnectTimeout = 2 * time.Second

// LayerFailure is what a reader dies of: Redis could not be reached or
// answered with an error.
type LayerFailure struct {
	// Doing is what was being done, with what.
	Doing string
	// Answered: Redis was there and answered with an error.
	Answered bool
	// Logged: why has been logged.
	Logged bool
	// Untold: only the connection was lost on which Redis tells that there are commands.
	// Redis may be there.
	Untold bool
	Err    error
}

// Error says what was being done and why it failed.
func (f *LayerFailure) Error() string { return fmt.Sprintf("%s: %v", f.Doing, f.Err) }

// Unwrap gives the underlying error.
func (f *LayerFailure) Unwrap() error { return f.Err }
