package messages

import "time"

// Receipt names one message taken from the layer's command channel until it
// took effect. It is opaque to everybody but the layer.
type Receipt string

// TargetKind tells groups, channels and streams apart.
type TargetKind byte

// The kinds of Target.
const (
	Group TargetKind = iota
	Channel
	Stream
)

// String is the kind as commands name it.
func (k TargetKind) String() string { return [...]string{"group", "channel", "stream"}[k] }

// Target is whom a subscription serves: a group of Channels, one channel, or a stream
// of the worker's own in Redis, which keeps what its readers have not finished yet.
type Target struct {
	Kind TargetKind
	Name string
}

// String is the target's name as it stands in the actor tree.
func (t Target) String() string {
	return t.Kind.String() + "/" + t.Name
}

// PayloadMode says how inbound bytes reach Python.
type PayloadMode byte

// The payload modes: as the bytes look, or one forced.
const (
	PayloadAuto PayloadMode = iota
	PayloadJSON
	PayloadText
	PayloadBytes
)

// String is the mode as commands name it.
func (m PayloadMode) String() string { return [...]string{"auto", "json", "text", "bytes"}[m] }

// Overflow says what happens to a message for which a queue of the layer has
// no room: the queue of one process that does not keep up.
type Overflow byte

// The ways to overflow: wait in order until there is room, at most as long as
// the layer keeps messages; be dropped, as Channels does; or wait as the newest
// message of its topic only.
const (
	OverflowWait Overflow = iota
	OverflowDrop
	OverflowLatest
)

// String is the way as commands name it.
func (o Overflow) String() string { return [...]string{"wait", "drop", "latest"}[o] }

// Options are what one target asked of one filter.
type Options struct {
	QoS      byte
	NoLocal  bool
	Payload  PayloadMode
	Overflow Overflow
	// Shared has every session slot hold the filter, in a shared subscription
	// (MQTT 5, 4.8.2), so that each message comes to one of them.
	Shared bool
	// Batch is how many messages that wait at the same moment may travel as one
	// of the layer; up to 1: each travels alone, in the singular form.
	Batch int
	// MinInterval is the least time between two messages of one topic, of which
	// the newest is kept meanwhile; 0: all are passed on at once.
	MinInterval time.Duration
}

// Member is a target of a subscription with its options.
type Member struct {
	Target  Target
	Options Options
}

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
	// Replay asks for the topics' last retained values, for Newcomer alone: a
	// channel that the first of Targets reaches (itself, or a member of the
	// group). No Newcomer: for everybody whom the targets reach.
	Replay   bool
	Newcomer string
	Reply    Reply
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

func (SubscribeCommand) command()   {}
func (UnsubscribeCommand) command() {}
func (PublishCommand) command()     {}
func (RequestCommand) command()     {}
func (StatusCommand) command()      {}

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

// Event is one inbound message for one target.
type Event struct {
	Message *Message
	// Body, if set, is a message of the layer that is no MQTT message: an answer
	// or a change of state. Where Message has a topic it is added under "message".
	Body Map
	// QoS is what the target sees: at most what it asked for.
	QoS      byte
	Payload  PayloadMode
	Overflow Overflow
	Batch    int
}

// PackedSize is what the payload measures at most as a message of the layer, in bytes.
// Of what is JSON the worst are short floats: 1e1 and a comma are packed as nine bytes.
func (e Event) PackedSize() int {
	n := len(e.Message.Payload)
	if n > 0 && (e.Message.Payload[0] == '[' || e.Message.Payload[0] == '{') {
		n = n / 4 * 9
	}
	return n + 1<<10
}

// Deliver passes a delivery to one target. Subscription tells groups, which
// tells the target's group actor. Reader passes answers on as well, of which
// Answered tells by their Receipt, and broker changes of state; these have no
// Weight.
type Deliver struct {
	Target  Target
	Event   Event
	Token   Token
	Weight  uint64
	Receipt Receipt
}

// Welcome says that somebody is new among those whom a target reaches, and is
// to get the retained values of a filter's topics, each unless a live message of
// that topic was passed on to the target since. Router tells subscription, and
// groups, which tells the group: not by way of the subscription, lest a message
// that comes later by that of another filter is there first.
type Welcome struct {
	Target  Target
	Filter  string
	Options Options
	// Channel is the newcomer; empty: everybody.
	Channel string
	// Serial is that of the Want that asks for the values.
	Serial uint64
	// After is the Seq of the last delivery that came before.
	After uint64
}

// Welcomed says that all retained values have come for the newcomers of a filter
// up to a serial. Subscription tells router, groups, which tells the group, and
// broker; for the latter there is no Target.
type Welcomed struct {
	Target Target
	Filter string
	Serial uint64
}

// Batch is what one write to the layer carries. It is not sent to an actor: a
// group keeps it until it was written.
type Batch struct {
	Target  Target
	Bundles []Bundle
	// Queue, if set, is the only queue to write to, and its members are the ones
	// to name: those of the moment when it refused. Else it is the queues of all
	// members that the target has at the moment of writing.
	Queue *Queue
	// Only, if set, are the channels to write to, each reached by the target, and
	// nobody else.
	Only []string
	// Skip names queues (Queue.Name) that are not to be written to, because
	// earlier messages wait for them: they refuse everything.
	Skip []string
	// Stamp belongs to the layer, which sets it at the first attempt, so that a
	// repeated one writes the same bytes; 0 at first.
	Stamp uint64
}

// Bundle is what travels as one message of the layer: one event in the form
// {"type": "<channel>.message", "message": {…}}, or, where Plural is set, one or
// more as {"type": "<channel>.messages", "messages": [{…}, …]}. An event with a
// Body travels alone and as what the Body says.
type Bundle struct {
	Events []Event
	Plural bool
}

// Queue is one queue of the layer: that of a process, or of a general channel.
type Queue struct {
	// Name is the non-local part of its members' names: "specific.…!", "mqtt".
	Name string
	// Members are the full names of the channels that are served by it.
	Members []string
}

// Refusal says that a queue had no room for Batch.Bundles[From:], or was to be
// skipped (From is 0 then).
type Refusal struct {
	Queue Queue
	From  int
}

// Outcome is what became of a Batch.
type Outcome struct {
	// Stored is the number of (bundle, queue) pairs written.
	Stored int
	// Refused are the queues that did not take everything.
	Refused []Refusal
	// Undecodable is the number of events whose payload was not what the
	// subscription forces, and was written as bytes.
	Undecodable int
	// BigNumbers is the number of integers beyond 64 bits in payloads of JSON, which
	// were written as the text of their digits.
	BigNumbers int
	// Full: a stream has no room for the rest of the batch. The same batch, sent again,
	// goes on behind what the stream took.
	Full bool
	// Dropped is the number of events that a full stream did not take and that were not
	// to wait.
	Dropped int
}

// Stored is one subscription of one target as it is kept in Redis.
type Stored struct {
	Filter  string
	Target  Target
	Options Options
	// Granted is what older workers have stored of it. It is not used any more.
	Granted bool
	// Static: the configuration wants it, and, where it is Unasked, no command does.
	Static, Unasked bool
	// Since is the Number by which the target became a member, where it was asked for again
	// since then; 0: by Number.
	Since uint64
	// Ending: it was unsubscribed, and stays until nothing can be lost by that: see package
	// placement. No other slot leaves a message to it.
	Ending bool
	// Number is that of the change in the registry; Store does not look at it.
	Number uint64
}

// Change is one change of what is kept in Redis. The changes of one call take
// effect in their order.
type Change struct {
	// Put is stored; Remove is forgotten; at most one of them is set.
	Put, Remove *Stored
	// Leaving notes a filter that nobody wants any more but that the MQTT broker
	// may still have; Gone forgets it again, once the broker has not.
	Leaving, Gone string
	// Session notes that the MQTT broker stores a session of ours under that
	// client id.
	Session string
	// Refusal is kept beside what is stored of its filter; Accepted forgets that of a
	// filter.
	Refusal  *FilterRefusal
	Accepted string

	// Newcomer is put into the registry, and Welcomed taken out of it. Epochs, if set,
	// are all layouts that still count. Only the holder of slot 0 may change the registry:
	// with these, Put, Remove, Leaving and Gone.
	Newcomer, Welcomed *Newcomer
	Epochs             []Epoch
	// Status and Filter are put into the status of the slot that stores the change;
	// Forget is a filter of which it says nothing any more.
	Status *SlotStatus
	Filter *FilterStatus
	Forget string
}

// FilterRefusal is how the MQTT broker refuses a filter, as a later process is to know it.
type FilterRefusal struct {
	// Filter is as the broker has it: see topic.Shared.
	Filter string
	// Kind is a word of reconcile.Kind, and Code the SUBACK's reason code, if there
	// was one.
	Kind string
	Code byte
}

// Burial is a message of the command channel that cannot be carried out, with
// the reason. It leaves the channel and is kept for a person to look at.
type Burial struct {
	Receipt Receipt
	Reason  string
}

// Keep asks to store changes, after which the command named by Receipt is done.
// Router tells registry.
type Keep struct {
	Receipt Receipt
	Changes []Change
	// Serial, where there are several slots, comes back in Kept.
	Serial uint64
}

// Restored hands over what was stored before: the subscriptions, and filters
// that the MQTT broker may still have though nobody wants them. Registry tells
// router.
type Restored struct {
	Stored  []Stored
	Leaving []string
	Refused []FilterRefusal
	// Epochs are the layouts that still count, the newest last, and Number is that of the
	// last change of the registry.
	Epochs []Epoch
	Number uint64
	// Several: there are several session slots, or were, and the mirror knows the rest.
	Several bool
}

// Begin says that the subscriptions are known, so that the broker may be
// connected to; Leaving are filters to unsubscribe from, and Refused are those that
// it has refused before. Router tells broker.
type Begin struct {
	Leaving []string
	Refused []FilterRefusal
}

// FilterGone says that the MQTT broker has no subscription for these filters
// any more. Broker tells registry and router.
type FilterGone struct{ Filters []string }

// Drop takes a target out of subscriptions, unless it has asked for them again
// since Asked. Registry tells router.
type Drop struct {
	Target  Target
	Filters []string
	Asked   time.Time
}

// Flush asks a subscription to say Flushed when it has passed on all that came
// before, with what it holds back for its time of those who have Left, or of All.
// Router tells subscription.
type Flush struct {
	Left []Target
	All  bool
}

// Flushed answers Flush. Subscription tells router.
type Flushed struct{ Filter string }

// Retire says that no subscription serves the target any more. Router tells
// groups, which tells the group.
type Retire struct{ Target Target }

// Drained says that a retired group has nothing left after handling the given
// number of messages. Group tells groups.
type Drained struct {
	Target  Target
	Handled uint64
}

// ReceiverStarted says that an incarnation of the receiver is there and waits
// for Take. Receiver tells reader.
type ReceiverStarted struct{}

// Take asks to wait for commands and to take at most Limit of them; Attempt is
// the number of failed attempts that came before (the back-off). Reader tells
// receiver.
type Take struct{ Limit, Attempt int }

// LayerReached says that Redis answers. Receiver tells reader.
type LayerReached struct{}

// Took hands over what was taken. Receiver tells reader.
type Took struct{ Received []Received }

// Shutdown asks to finish what is under way and to stop. The worker tells
// bridge.
type Shutdown struct{}

// Abandon asks to stop as it is. The worker tells bridge.
type Abandon struct{}

// LayerState says that Redis was lost or is back. Reader tells bridge and
// registry.
type LayerState struct{ Up bool }

// SessionState says that the MQTT session was lost or is back. Broker tells
// bridge.
type SessionState struct{ Up bool }

// Quiesce asks to take nothing new and to say Quiet when what was under way
// is done. Bridge tells reader, requests (which have no need to answer) and
// broker, then router, and then groups; broker tells session, groups tells every
// group.
type Quiesce struct{}

// Quiet answers Quiesce. Reader, broker, router and groups tell bridge; a group
// tells groups; session tells broker that it passes on no more deliveries.
type Quiet struct{ From string }

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

func (ReceiverStarted) toReader() {}
func (Take) toReceiver()          {}
func (LayerReached) toReader()    {}
func (Took) toReader()            {}
func (Shutdown) toBridge()        {}
func (Abandon) toBridge()         {}
func (Execute) toRouter()         {}
func (Done) toReader()            {}
func (Deliver) toGroups()         {}
func (Deliver) toGroup()          {}
func (Flush) toSubscription()     {}
func (Flushed) toRouter()         {}
func (Undeliverable) toReader()   {}
func (Retire) toGroups()          {}
func (Retire) toGroup()           {}
func (Drained) toGroups()         {}
func (LayerState) toRegistry()    {}
func (Keep) toRegistry()          {}
func (Restored) toRouter()        {}
func (Begin) toBroker()           {}
func (FilterGone) toRegistry()    {}
func (Drop) toRouter()            {}
func (LayerState) toBridge()      {}
func (SessionState) toBridge()    {}
func (Answer) toReader()          {}
func (Answered) toReader()        {}
func (Welcome) toSubscription()   {}
func (Welcome) toGroups()         {}
func (Welcome) toGroup()          {}
func (Welcomed) toGroups()        {}
func (Welcomed) toGroup()         {}
func (Welcomed) toBroker()        {}
func (Welcomed) toRouter()        {}
func (Request) toRequests()       {}
func (Response) toRequests()      {}
func (Status) toBroker()          {}
func (Quiesce) toRouter()         {}
func (Quiesce) toRequests()       {}
func (Quiesce) toReader()         {}
func (Quiesce) toBroker()         {}
func (Quiesce) toSession()        {}
func (Quiesce) toGroups()         {}
func (Quiesce) toGroup()          {}
func (Quiet) toGroups()           {}
func (Quiet) toBridge()           {}
func (Quiet) toBroker()           {}
