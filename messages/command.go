package messages

import "time"

// Receipt names a message from the layer's command channel until it took effect. Only the
// layer knows what is in it.
type Receipt string

// Command is a decoded and valid command of a site.
type Command interface{ command() }

// ReplyTo is the channel to which the answer to a command goes, and the id that the site gave
// to recognise it. Channel is empty where no answer is wanted.
type ReplyTo struct{ Channel, ID string }

// SubscribeCommand is mqtt.subscribe: one filter for one or more targets.
type SubscribeCommand struct {
	Filter  string
	Targets []Target
	Options Options
	// Retained asks for the topics' retained messages. They go to Recipient alone, a
	// channel that the first of Targets reaches (itself, or a member of the group), or,
	// where it is empty, to everybody that the targets reach.
	Retained  bool
	Recipient string
	ReplyTo   ReplyTo
}

// UnsubscribeCommand is mqtt.unsubscribe.
type UnsubscribeCommand struct {
	Filter  string
	Targets []Target
	ReplyTo ReplyTo
}

// PublishCommand is mqtt.publish.
type PublishCommand struct {
	Message *Message
	ReplyTo ReplyTo
}

// RequestCommand is mqtt.request: a publish whose receiver is expected to
// answer within Timeout, which is above 0. Its ReplyTo has a channel.
type RequestCommand struct {
	Message *Message
	Timeout time.Duration
	ReplyTo ReplyTo
}

// StatusCommand is mqtt.status. Its ReplyTo has a channel.
type StatusCommand struct{ ReplyTo ReplyTo }

// Received is one message of the command channel. If it could not be decoded, Command is
// nil, and Fault says what is wrong with it, without any payload. Type and ReplyTo are set
// where an answer is wanted, or where there is a Fault and they can be read.
type Received struct {
	Receipt Receipt
	Command Command
	Fault   error
	// Code is the stable name of the fault, for the sender.
	Code    string
	Type    string
	ReplyTo ReplyTo
}

// Execute asks for a command to take effect. Commands tells router.
type Execute struct {
	Receipt Receipt
	Command Command
}

// Done says that a command took effect, or never will. Its message may leave Redis.
// Router and session tell commands.
type Done struct{ Receipts []Receipt }

// DeadLetter is a message of the command channel that can never be carried out, with the
// reason. It leaves the channel and is kept for a person to look at. Session tells commands of
// the publishes that the MQTT broker does not take.
type DeadLetter struct {
	Receipt Receipt
	Reason  string
}

// Request asks to publish a message and to wait for its response. Router tells requests.
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

// Status asks for the State, as the Reply to a command. Router tells session.
type Status struct{ Receipt Receipt }

func (SubscribeCommand) command()   {}
func (UnsubscribeCommand) command() {}
func (PublishCommand) command()     {}
func (RequestCommand) command()     {}
func (StatusCommand) command()      {}
func (Execute) toRouter()           {}
func (Done) toCommands()            {}
func (DeadLetter) toCommands()      {}
func (Request) toRequests()         {}
func (Response) toRequests()        {}
func (Status) toSession()           {}
