package config

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/url"
	"regexp"
	"time"

	"chanmqttproxy/messages"
)

// Config is everything that can be set, read and checked.
type Config struct {
	Broker Broker
	Layer  Layer
	Log    Log
	HTTP   HTTP

	// Channel is the layer's channel on which commands arrive; it is also the
	// first word of the type of each event.
	Channel string

	// StatusGroup is told when the broker comes or goes; empty: nobody is.
	StatusGroup string

	// AllowSubscribe and AllowPublish are filters, at least one of each: what a
	// command wants to subscribe or publish to must be within one of them.
	AllowSubscribe, AllowPublish []string

	// Subscriptions are those that the file asks for, in its order.
	Subscriptions []messages.SubscribeCommand

	// SubscriptionIdle is after how long with no live member a subscription is
	// dropped; 0: never.
	SubscriptionIdle time.Duration

	Bounds Bounds

	// Tracing is where the traces of messages go.
	Tracing Tracing

	// ShutdownTimeout is how long a stop may take to finish what is under way.
	ShutdownTimeout time.Duration

	// Warnings are what is probably not meant, but is no fault.
	Warnings []Fault

	// Ignored holds the MQTT_… variables of the environment that are no
	// settings of this program, sorted. They are probably the site's own.
	Ignored []string

	origins map[string]origin
	written map[string]string // values as one would write them, by name
}

// Broker is the MQTT side.
type Broker struct {
	// Servers are tried in their order. Each has one of the schemes mqtt,
	// mqtts, ws and wss, a host and a port; no user or password.
	Servers []*url.URL

	User, Password string

	// Version is the protocol to try first; MQTT 5 may fall back to 3.1.1.
	Version messages.Version

	// ClientID names the session at the broker. Empty: it is drawn once and
	// kept in Redis.
	ClientID string

	// KeepAlive is in whole seconds, 1 to 65535.
	KeepAlive time.Duration

	// SessionExpiry is in whole seconds and fits in 32 bits; 0: clean sessions.
	SessionExpiry time.Duration

	// ReceiveMaximum is how many messages of QoS 1 and 2 the broker may send
	// before the first of them is acknowledged.
	ReceiveMaximum uint16

	// ConnectTimeout is for each CONNECT of each server, ReconnectMax the longest pause
	// between two attempts.
	ConnectTimeout, ReconnectMax time.Duration
	// MaximumPacket is the size in bytes of the largest message that is taken.
	MaximumPacket int

	// UserProperties is how many user properties of a message are kept, and
	// UserPropertyBytes how many bytes they may have.
	UserProperties, UserPropertyBytes int
	// SubscribeBatch is the most filters of one SUBSCRIBE.
	SubscribeBatch int

	// Sessions is over how many sessions the subscriptions are spread, and
	// SessionLease after how long another worker takes over those of a dead one.
	Sessions     int
	SessionLease time.Duration

	// TLS is for the servers with the schemes mqtts and wss; never nil. Its client
	// certificate is read from its files at each connection.
	TLS *tls.Config
	// Roots reads the authorities that may vouch for a server, at each connection; nil:
	// those of the system may.
	Roots func() (*x509.CertPool, error)

	// Will is what the broker publishes when the worker dies, Birth what the
	// worker publishes when it has connected; nil: nothing.
	Will, Birth *messages.Message
}

// Layer is the Django side: a channel layer of channels_redis.
type Layer struct {
	// PubSub: it is one of the pub/sub back end, else of the core back end.
	PubSub bool

	// Hosts are the servers, at least one. Their order says what is where.
	Hosts []Host

	// Prefix of all keys; it may be empty.
	Prefix string

	// Expiry is the life of a message, GroupExpiry that of a membership; both
	// are in whole seconds.
	Expiry, GroupExpiry time.Duration

	// Capacity is the length at which a queue refuses messages, Capacities what
	// it is for those channels that match: the first that does counts.
	Capacity   int
	Capacities []Capacity

	// EncryptionKeys are secrets: the first encrypts, each may decrypt. None:
	// nothing is encrypted.
	EncryptionKeys []string

	// Serializer is "msgpack" or "json".
	Serializer string

	// RandomPrefix is the number of bytes before each body, in the core back end.
	RandomPrefix int
}

// Capacity is that of the channels whose names match a pattern as Python's
// fnmatch understands it. Where Regexp is there it counts instead: then Pattern
// was compiled by Python, which matches it with the beginning of the name.
type Capacity struct {
	Pattern  string
	Regexp   *regexp.Regexp
	Capacity int
}

// Bounds are what may wait in the worker, and be kept in Redis, at most.
type Bounds struct {
	// Window is the number of commands under way.
	Window int
	// CommandMemory is the memory that these may take, in bytes.
	CommandMemory int
	// GroupBacklog is the number of messages that wait for one target,
	// QueueBacklog for one full queue of the layer.
	GroupBacklog, QueueBacklog int
	// BacklogMemory is in bytes, for all full queues together.
	BacklogMemory int
	// MaxSubscriptions is up to how many pairs of filter and target commands may add.
	MaxSubscriptions int
	// CommandElements is of how many elements one command may be.
	CommandElements int
	// DeadLetters is the number of commands that are kept because they could not
	// be understood.
	DeadLetters int
	// DeadLetterBytes is how much of each is kept, DeadLetterTotal of all together,
	// and DeadLetterAge for how long, in whole seconds.
	DeadLetterBytes, DeadLetterTotal int
	DeadLetterAge                    time.Duration
	// StreamPartitions is over how many partitions the topics of a stream are spread;
	// StreamMessages and StreamBytes are what its readers may leave unfinished.
	StreamPartitions, StreamMessages, StreamBytes int
}

// HTTP is the worker's own listener, for health, metrics and the page.
type HTTP struct {
	// Listen is host:port; empty: there is none.
	Listen string
	// Count are the filters by which received messages are counted in the metrics.
	Count []string
	// Token is what one has to show to see the page; empty: nothing, and there is
	// no page beyond loopback. It is a secret.
	Token string
	// Act lets the page do something to the worker, ShowPayloads shows what is in
	// messages.
	Act, ShowPayloads bool
	// Pprof serves Go's profiles too; Listen is on loopback then.
	Pprof bool
}

// Log says what is logged and how.
type Log struct {
	Level slog.Level
	// Levels are those of single components.
	Levels map[string]slog.Level
	Format LogFormat
	// Memory is how many bytes of lines may wait for whoever reads them.
	Memory int
}

// LogFormat is how log lines look.
type LogFormat string

// The log formats. LogAuto is text on a terminal and JSON elsewhere.
const (
	LogAuto LogFormat = ""
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)
