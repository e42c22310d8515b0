package messages

import "time"

// Receipt names one message taken from the layer's command channel until it
// took effect. It is opaque to everybody but the layer.
type Receipt string

// Command is what a site sent, understood and validated.
type Command interface{ command() }

// Reply is where the answer to a command goes, and the id that the site gave to
// recognise it. No Channel: nobody wants an answer.
type Reply struct{ Channel, ID string }

// SubscribeCommand is mqtt.subscribe: one filter for one or more targets.
type SubscribeCommand struct {
	Filter  string
	Targets []Target
	Options Options
	// Replay asks for the topics' last retained values, for Recipient alone: a
	// channel that the first of Targets reaches (itself, or a member of the
	// group). No Recipient: for everybody that the targets reach.
	Replay    bool
	Recipient string
	Reply     Reply
}

// UnsubscribeCommand is mqtt.unsubscribe.
type UnsubscribeCommand struct {
	Filter  string
	Targets []Target
	Reply   Reply
}

// PublishCommand is mqtt.publish.
type PublishCommand struct {
	Message *Message
	Reply   Reply
}

// RequestCommand is mqtt.request: a publish whose receiver is expected to
// answer within Timeout, which is above 0. Its Reply has a channel.
type RequestCommand struct {
	Message *Message
	Timeout time.Duration
	Reply   Reply
}

// StatusCommand is mqtt.status. Its Reply has a channel.
type StatusCommand struct{ Reply Reply }

// Received is one message of the command channel. Where it could not be
// understood, Command is nil and Fault says what was wrong and with what,
// without any payload. Where an answer is wanted, or there is a Fault, Type and
// Reply are those of the message, as far as they can be read.
type Received struct {
	Receipt Receipt
	Command Command
	Fault   error
	// Code is the stable name of the fault, for the sender.
	Code  string
	Type  string
	Reply Reply
}

// Execute asks for a command to take effect. Reader tells router.
type Execute struct {
	Receipt Receipt
	Command Command
}

// Done says that a command took effect, or never will: its message may leave
// Redis. Router and broker tell reader.
type Done struct{ Receipts []Receipt }

// Undeliverable says that a command can't take effect, ever, though it was
// understood. Broker tells reader.
type Undeliverable struct {
	Receipt Receipt
	Reason  string
}

// Burial is a message of the command channel that cannot be carried out, with
// the reason. It leaves the channel and is kept for a person to look at.
type Burial struct {
	Receipt Receipt
	Reason  string
}

// Request asks for one message to be published and for its answer to be waited
// for. Router tells requests.
type Request struct {
	Receipt Receipt
	Message *Message
	Timeout time.Duration
}

// Response is an inbound message on the topic of a request. Router tells
// requests.
type Response struct {
	Token   Token
	Weight  uint64
	Message *Message
}

// Status asks for the State, as the Answer to a command. Router tells broker.
type Status struct{ Receipt Receipt }

func (SubscribeCommand) command()   {}
func (UnsubscribeCommand) command() {}
func (PublishCommand) command()     {}
func (RequestCommand) command()     {}
func (StatusCommand) command()      {}
func (Execute) toRouter()           {}
func (Done) toReader()              {}
func (Undeliverable) toReader()     {}
func (Request) toRequests()         {}
func (Response) toRequests()        {}
func (Status) toBroker()            {}
