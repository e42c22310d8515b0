package actors

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/reconnect"
	"chanmqttproxy/actors/stats"
	"chanmqttproxy/messages"
)

// Backoff is how long to wait between attempts. The zero value means the defaults.
type Backoff = reconnect.Backoff

// Stats counts what happened since the start. All fields may be read at any time.
type Stats = stats.Stats

// Histogram counts times.
type Histogram = stats.Histogram

// Options are what a slot needs. Layer and MQTT are required. The zero value of everything
// else means its default.
type Options struct {
	Layer Layer
	MQTT  MQTT
	// Slot is the number of the session slot, from 0, and Layout over how many the
	// filters are spread at the start: one by default.
	Slot   int
	Layout messages.Layout
	// Registry reads the tables of all slots. It is required where there may be more than
	// one slot.
	Registry Registry
	// ReceiveMaximum is how many deliveries of QoS 1 and 2 the MQTT broker may send that
	// are not acknowledged, 1,024 by default.
	ReceiveMaximum int
	// Version is the protocol to try first; MQTT5 falls back to MQTT311.
	Version messages.Version
	// Birth is published first on each connection; nil: nothing is.
	Birth *messages.Message
	// Window is the most commands that are under way at a time, 1,024 by default. While the
	// MQTT broker is unreachable that many wait in the worker. The others stay in Redis, where the
	// capacity of the layer pushes back on the site.
	Window int
	// CommandMemory bounds the memory of the commands under way, in bytes, 32 MiB by
	// default: above it no further ones are read. Each counts with twice its size in Redis.
	CommandMemory int64
	// GroupBacklog is the most messages that wait to be written for one target, 10,000 by
	// default. Above it those of QoS 0 are dropped, oldest first, and counted. Those of QoS
	// 1 and 2 are bounded by the receive maximum.
	GroupBacklog int
	// QueueBacklog is the most messages that wait for room in one queue of the layer, 10,000
	// by default. Above it the oldest are dropped and counted.
	QueueBacklog int
	// BacklogMemory bounds the memory of all waiting messages together, in bytes, 64 MiB by
	// default. Above it a target or queue that holds more than a 64th of it drops messages
	// as above; above twice as much every target and queue does. The same holds for what a
	// subscription holds back for a MinInterval, and for what a target notes for recipients,
	// who then miss retained messages. Above it messages of QoS 0 that come from the
	// connection are dropped as well.
	BacklogMemory int64
	// Expiry is how long the layer keeps messages, and how long a message waits for room, 60
	// s by default.
	Expiry time.Duration
	// SubscribeBatch is the most filters of one SUBSCRIBE, 500 by default: thousands in one
	// packet keep some brokers busy for many seconds.
	SubscribeBatch int
	// SubscriptionIdle is how long a subscription stays while nobody listens at any of its
	// targets; 0: for ever.
	SubscriptionIdle time.Duration
	// MaxSubscriptions is the most pairs of filter and target, 50,000 by default. Commands
	// may add pairs up to it. Those of other slots and of the configuration count as well.
	MaxSubscriptions int
	// Backoff is for reconnecting, on both sides.
	Backoff Backoff
	// DrainTimeout bounds how long stopping waits for what is under way, 8 s by default.
	DrainTimeout time.Duration
	// StatusGroup gets a message when the MQTT broker comes or goes; empty: none does.
	StatusGroup string
	// Rules are those at the start; see Tree.Reconfigure.
	messages.Rules
	// Settled is called for each delivery whose message has a Span, when it is done or only
	// waits in overflow queues. It must not wait; nil: it is not called.
	Settled func(seq uint64)
	// OpenStreams starts the slot of the streams, which Slot.SetStreams reports. It must not
	// wait. The first slot needs it.
	OpenStreams func()
	// Count are filters by which received messages are counted, in Stats.Counted.
	Count []string
	Log   *slog.Logger
	// Stats counts what happens in all slots; made if nil.
	Stats *Stats
}

func (o Options) withDefaults() Options {
	o.Layout.Sessions = max(o.Layout.Sessions, 1)
	if o.Version == 0 {
		o.Version = messages.MQTT5
	}
	if o.ReceiveMaximum <= 0 {
		o.ReceiveMaximum = 1024
	}
	if o.Window <= 0 {
		o.Window = 1024
	}
	if o.CommandMemory <= 0 {
		o.CommandMemory = 32 << 20
	}
	if o.MaxSubscriptions <= 0 {
		o.MaxSubscriptions = 50_000
	}
	if o.GroupBacklog <= 0 {
		o.GroupBacklog = 10_000
	}
	if o.QueueBacklog <= 0 {
		o.QueueBacklog = 10_000
	}
	if o.BacklogMemory <= 0 {
		o.BacklogMemory = 64 << 20
	}
	if o.SubscribeBatch <= 0 {
		o.SubscribeBatch = 500
	}
	if o.Expiry <= 0 {
		o.Expiry = time.Minute
	}
	if o.DrainTimeout <= 0 {
		o.DrainTimeout = 8 * time.Second
	}
	if o.OpenStreams == nil {
		o.OpenStreams = func() {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Stats == nil {
		o.Stats = &Stats{}
	}
	o.Backoff = o.Backoff.WithDefaults()
	return o
}

// shared is what all actors of a process have in common.
type shared struct {
	system   *actor.ActorSystem
	registry *actorRegistry
	traces   *traces
	tap      tap
	encoded  allowance
	mirror   *mirror
}

// env is what all actors of a slot share: the options, what the process has in common, and the
// state of the slot. It holds no Ref: each actor has those that it sends to.
type env struct {
	Options
	*shared
	paths      paths
	dispatcher *dispatcher
	health     *health
	started    chan struct{} // closed when the bridge has made its children
	rules      *atomic.Pointer[messages.Rules]
	flow       *flow
}

// flow counts the deliveries of a slot.
type flow struct{ received, settled atomic.Int64 }

// underWay is how many deliveries are not settled.
func (f *flow) underWay() int64 { return f.received.Load() - f.settled.Load() }

// Names of the actors under a bridge.
const (
	commandsName = "commands"
	routerName   = "router"
	storeName    = "store"
	requestsName = "requests"
	sessionName  = "session"
)

// paths are the paths of the actors of a slot that others name.
type paths struct{ bridge, router, store, session, connection string }

// pathsOf are the paths of the slot with that number. The bridge of the first slot has no
// number in its name.
func pathsOf(slot int) paths {
	bridge := "bridge"
	if slot != 0 {
		bridge = "bridge:" + messages.SlotName(slot)
	}
	session := bridge + "/" + sessionName
	return paths{
		bridge: bridge, router: bridge + "/" + routerName, store: bridge + "/" + storeName, session: session, connection: session + "/connection",
	}
}

func newEnv(s *shared, o Options) *env {
	at := pathsOf(o.Slot)
	rules := &atomic.Pointer[messages.Rules]{}
	o.Rules = o.Rules.For(o.Slot)
	rules.Store(&o.Rules)
	o = o.withDefaults()
	return &env{
		Options:    o,
		rules:      rules,
		shared:     s,
		paths:      at,
		dispatcher: newDispatcher(),
		health:     &health{},
		started:    make(chan struct{}),
		flow:       &flow{},
	}
}

// budget is the memory for all waiting messages.
func (d *env) budget() stats.Budget {
	return stats.Budget{Held: &d.Stats.WaitingBytes, Limit: d.BacklogMemory}
}
