package messages

import "time"

// Actor is one actor of the tree, as it is at a moment.
type Actor struct {
	// Path names it: "bridge/router/group:alerts~3". Kind is the first word of the
	// last step.
	Path, Kind string
	// State is one of the State constants, Since when the live incarnation has it.
	State string
	Since time.Time
	// Waiting is how many messages its mailbox holds, and Age for how long at
	// least the oldest of them has been there, as far as looks at it tell.
	Waiting int
	Age     time.Duration
	// Handled counts messages of all its incarnations, Sent those that it told
	// others; Last is how long one of the last took.
	Handled, Sent uint64
	Last          time.Duration
	// Restarts counts its incarnations but the first.
	Restarts int
	// Failure is the last one; nil: there was none.
	Failure *ActorFailure
	// Info is what the actor itself says; nil where it was not asked, or did not
	// answer in time.
	Info any `json:",omitempty"`
}

// The states of an Actor.
const (
	StateRunning    = "running"
	StateRow        = "table row" // it has no actor now, and needs none
	StateRestarting = "restarting"
	StateStopping   = "stopping"
)

// ActorFailure is what an incarnation died of, or what a bug was that it
// survived.
type ActorFailure struct {
	At   time.Time
	Text string
	// Stack is there for bugs.
	Stack string `json:",omitempty"`
}

// LifeEvent is one line of the tree's life.
type LifeEvent struct {
	// Seq counts the events of the process.
	Seq        uint64
	At         time.Time
	Path, Kind string
	// What is one word: started, failed, bug, restarted, resumed (it goes on with
	// its state), stopped, waiting, connected, lost.
	What string
	Text string `json:",omitempty"`
	// Stack is there for bugs.
	Stack string `json:",omitempty"`
}

// ActorKind sums up all actors of one kind.
type ActorKind struct {
	Kind                      string
	Actors, Waiting, Restarts int
	// Rows is how many of them need no actor now: they are rows of the router's table.
	Rows          int
	Handled, Sent uint64
	// Troubled counts those whose mailbox holds something for more than a second,
	// or that failed within the last minute.
	Troubled int
}

// Watch is what can be seen of the tree at a moment.
type Watch struct {
	At     time.Time
	Actors []Actor // all but those that Kinds counts, parents first
	Kinds  []ActorKind
}

// Inspect asks any actor for its info; it answers the sender with one of the
// types below.
type Inspect struct{}

// BridgeInfo is that of the root.
type BridgeInfo struct {
	LayerUp, ConnectionUp, Stopping bool
}

// SessionInfo is that of the MQTT session.
type SessionInfo struct {
	State    State
	Attempts int
	// Outbox counts publishes that have not taken effect, Filters the
	// subscriptions that the MQTT broker should have, and Changes those of them that
	// it has not been told.
	Outbox, Filters, Changes int
	// UnderWay counts inbound messages that are not settled.
	UnderWay int64
}

// ConnectionInfo is that of the MQTT connection.
type ConnectionInfo struct {
	Connection uint64
	Version    string
	// Live says whether the broker has accepted it, and Info what it said.
	Live bool
	Info Connack
	// Outgoing counts publishes that wait to be written.
	Outgoing int
}

// RouterInfo is that of the owner of the trie.
type RouterInfo struct {
	Filters, Targets int
	// Held counts deliveries that wait because a target has left a filter.
	Held int
	// Restored says whether the stored subscriptions are known.
	Restored bool
}

// SubscriptionInfo is that of one filter.
type SubscriptionInfo struct {
	Filter string
	// Asked and Granted are the QoS; Refusal is why the broker has refused it.
	Asked, Granted byte
	Answered       bool
	Refusal        string
	// Messages counts what came, LastAt when, and LastTopic on which topic.
	Messages    uint64
	LastAt      time.Time
	LastTopic   string
	Subscribers []SubscriberInfo
}

// SubscriberInfo is one target of a filter and its options.
type SubscriberInfo struct {
	Target  Target
	Options Options
	// Static: it stands in the configuration.
	Static bool
	// Delivers: messages of the topic that was asked about reach the target by this
	// filter.
	Delivers bool `json:",omitempty"`
}

// SubscriptionRow is a subscription in a list.
type SubscriptionRow struct {
	SubscriptionInfo
	Path string
}

// SubscriptionList asks for subscriptions whose filters contain Text: Limit of
// them from Offset on, in the order of Sort, which is "messages", "last" (when a
// message came last) or else the filter.
type SubscriptionList struct {
	Text, Sort    string
	Desc          bool
	Offset, Limit int
}

// Serving asks the router which targets filters serve; it answers the sender with a
// map[string]SubscriptionInfo.
type Serving struct{ Filters []string }

// Matching asks the router what becomes of a topic; it answers the sender with a
// []RouteInfo.
type Matching struct{ Topic string }

// RouteInfo is that of one filter that matches a topic. QoS is what was asked
// of the broker, Delivers whether anybody gets the topic's messages by this filter.
type RouteInfo struct {
	Filter      string
	QoS         byte
	Subscribers []SubscriberInfo
	Delivers    bool
}

// FanoutInfo is that of the writer to one target.
type FanoutInfo struct {
	Target Target
	// Waiting counts messages to be written, Bytes the memory that they and the
	// ones in overflow queues are taken to occupy.
	Waiting int
	Bytes   int64
	// Writing: a write is under way, in its Attempts-th attempt after the first.
	Writing   bool
	Attempts  int
	Overflows []OverflowInfo
	// Written counts messages that are in queues, Dropped those that were not
	// written.
	Written, Dropped uint64
}

// OverflowInfo is what waits for one queue that has no room.
type OverflowInfo struct {
	Queue    string
	Messages int
	// Stuck: nobody has read the queue for a while.
	Stuck bool
}

// CommandsInfo is that of the keeper of the commands under way.
type CommandsInfo struct {
	UnderWay, Window int
	// Bytes is the memory that those under way are taken to occupy.
	Bytes int64
	// Unanswered counts commands whose senders want an answer.
	Unanswered int
	LayerUp    bool
	// LayerReason is why the layer is down; empty: it is up, or why is not known.
	LayerReason string
}

// StoreInfo is that of the keeper of the subscriptions in Redis.
type StoreInfo struct {
	Stored, Leaving int
	// Unwritten counts changes that are not in Redis.
	Unwritten int
}

// RequestsInfo is that of the keeper of requests.
type RequestsInfo struct {
	Waiting int
	// Filter is where the responses come; empty: none was wanted yet.
	Filter string
}

// QueueInfo is that of one queue of the layer: that of a process, or of a
// general channel.
type QueueInfo struct {
	Name             string
	Length, Capacity int
	// Members counts the members of known groups that it serves.
	Members int
}

// StreamInfo is that of one stream.
type StreamInfo struct {
	Name string
	// Messages and Bytes are what its readers have not deleted, of at most MaxMessages
	// and MaxBytes.
	Messages, MaxMessages int
	Bytes, MaxBytes       int
	// DeadLetters is how many its readers could not do.
	DeadLetters int
}

// Trace is the way of one message that is followed.
type Trace struct {
	ID    uint64
	Topic string
	// Done: nothing more will happen to it.
	Done  bool
	Steps []Step
}

// Step is one step of a message's way. What is one word: armed, publishing,
// waiting, acknowledged, refused, received, unmatched, matched, held, passed,
// queued, writing, overflow, written, dropped, settled.
type Step struct {
	At         time.Time
	What       string
	Path, Text string
}
