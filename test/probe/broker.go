package probe

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Broker is an MQTT broker in memory, and the port to it.
type Broker struct {
	mu       sync.Mutex
	refuse   func(messages.Version) error
	deny     map[string]bool
	hold     bool // publishes are not acknowledged
	queueing bool // markers wait
	amnesic  bool // see Amnesic
	markers  []messages.Message
	codes    map[string]byte // by topic: what a publish is answered with
	fresh    bool            // each connection begins a new session
	attempts []messages.Version
	live     *connection
	filters  map[string]messages.Desired
	packets  []int // sizes of the SUBSCRIBEs
	sent     []messages.Publish
	acked    []uint64
	seq      uint64
	open     int
	retained map[string]messages.Message
	replays  int
}

var _ actors.MQTT = (*Broker)(nil)

// NewBroker makes a broker that accepts everything.
func NewBroker() *Broker {
	return &Broker{deny: map[string]bool{}, codes: map[string]byte{}, filters: map[string]messages.Desired{}, retained: map[string]messages.Message{}}
}

// Failure is a failed attempt, for Refuse and Drop.
func Failure(c messages.Cause) error {
	return &messages.ConnectionFailure{Doing: "connecting", Cause: c}
}

// Refuse decides about each attempt from now on; nil accepts all.
func (b *Broker) Refuse(f func(messages.Version) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = f
}

// Queue has a session's markers wait in the broker, or sends those that have waited.
func (b *Broker) Queue(queueing bool) {
	b.mu.Lock()
	b.queueing = queueing
	waited := b.markers
	b.markers = nil
	b.mu.Unlock()
	for _, m := range waited {
		b.mark(m)
	}
}

// mark sends a marker back to the session that has published it.
func (b *Broker) mark(m messages.Message) {
	b.mu.Lock()
	if b.queueing {
		b.markers = append(b.markers, m)
		b.mu.Unlock()
		return
	}
	b.mu.Unlock()
	b.Send(m)
}

// Deny makes the broker refuse a filter.
func (b *Broker) Deny(filter string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deny[filter] = true
}

// Allow ends Deny.
func (b *Broker) Allow(filter string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.deny, filter)
}

// RefusePublish makes the broker answer publishes to a topic with a reason code.
func (b *Broker) RefusePublish(topic string, code byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.codes[topic] = code
}

// Forgetful makes the broker keep no session from one connection to the next.
func (b *Broker) Forgetful() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh = true
}

// Amnesic makes the broker forget with a connection which filters its session has, as RabbitMQ
// does: it goes on with them, but an UNSUBSCRIBE has no effect before a SUBSCRIBE.
func (b *Broker) Amnesic() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.amnesic = true
}

// Have gives the broker subscriptions that it kept for us.
func (b *Broker) Have(filters ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range filters {
		b.filters[f] = messages.Desired{Filter: f}
	}
}

// Retain puts a message into the broker's retained store, or with an empty payload
// takes it out, without sending it to anybody.
func (b *Broker) Retain(m messages.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(m.Payload) == 0 {
		delete(b.retained, m.Topic)
		return
	}
	b.retained[m.Topic] = m
}

// Replays is how often the broker was asked for the retained messages of a filter.
func (b *Broker) Replays() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.replays
}

// replay is what the broker sends at a SUBSCRIBE, in the order of topics.
func (b *Broker) replay(filters []messages.Desired, version messages.Version) (list []messages.Message) {
	for _, w := range filters {
		if b.deny[w.Filter] || !w.Retained && version == messages.MQTT5 {
			continue
		}
		b.replays++
		for _, name := range slices.Sorted(maps.Keys(b.retained)) {
			if topic.Match(w.Filter, name) {
				m := b.retained[name]
				m.Retain = true
				list = append(list, m)
			}
		}
	}
	return list
}

// Hold keeps publishes unacknowledged, or ends that for those that follow.
func (b *Broker) Hold(hold bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hold = hold
}

// Dial implements the port.
func (b *Broker) Dial(ctx context.Context, v messages.Version, sink actors.Sink) (actors.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attempts = append(b.attempts, v)
	if err := ctx.Err(); err != nil {
		return nil, &messages.ConnectionFailure{Doing: "connecting", Cause: messages.Network, Err: err}
	}
	if b.refuse != nil {
		if err := b.refuse(v); err != nil {
			return nil, err
		}
	}
	b.live = &connection{broker: b, sink: sink, version: v, asked: map[string]bool{}}
	b.open++
	return b.live, nil
}

// Ack implements the port.
func (b *Broker) Ack(seqs ...uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked = append(b.acked, seqs...)
}

// Forget drops the record of what was acknowledged, which benchmarks would let grow.
func (b *Broker) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked = nil
}

// Send delivers a message to the worker and returns its number.
func (b *Broker) Send(m messages.Message, identifiers ...uint32) uint64 {
	b.mu.Lock()
	c := b.live
	b.seq++
	seq := b.seq
	b.mu.Unlock()
	c.sink.Received(seq, identifiers, &m)
	return seq
}

// Drop breaks the live connection.
func (b *Broker) Drop(c messages.Cause) {
	b.mu.Lock()
	live := b.live
	b.live = nil
	b.mu.Unlock()
	live.sink.Lost(Failure(c))
}

// Connected says whether there is a live connection.
func (b *Broker) Connected() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.live != nil
}

// Open is the number of connections made and not closed.
func (b *Broker) Open() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// Attempts are the versions that were tried, in order.
func (b *Broker) Attempts() []messages.Version {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.attempts)
}

// Filters are the subscriptions the broker has.
func (b *Broker) Filters() map[string]messages.Desired {
	b.mu.Lock()
	defer b.mu.Unlock()
	copied := map[string]messages.Desired{}
	for k, v := range b.filters {
		copied[k] = v
	}
	return copied
}

// Packets are the numbers of filters in each SUBSCRIBE.
func (b *Broker) Packets() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.packets)
}

// Published is what was published, in order, repeats included.
func (b *Broker) Published() []messages.Publish {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sent)
}

// Acked are the numbers of the acknowledged messages.
func (b *Broker) Acked() []uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.acked)
}

// connection implements the Conn port.
type connection struct {
	broker  *Broker
	sink    actors.Sink
	version messages.Version
	closed  bool
	asked   map[string]bool // filters that it has subscribed to
}

func (c *connection) Info() messages.Connack {
	b := c.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	return messages.Connack{Version: c.version, Broker: "mqtts://broker.example:8883", ClientID: "probe/1", Present: len(b.attempts) > 1 && !b.fresh}
}

// usable says why a call can't be made: the connection is no more, or the caller has given up.
func (c *connection) usable(ctx context.Context) error {
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	if c.broker.live != c {
		return errGone
	}
	return ctx.Err()
}

var errGone = errors.New("the connection is no more")

// Subscribe implements the port. Retained messages come before the answer.
func (c *connection) Subscribe(ctx context.Context, filters []messages.Desired) ([]byte, error) {
	if err := c.usable(ctx); err != nil {
		return nil, err
	}
	codes, replay := c.subscribe(filters)
	for _, m := range replay {
		c.broker.Send(m)
	}
	return codes, nil
}

func (c *connection) subscribe(filters []messages.Desired) ([]byte, []messages.Message) {
	b := c.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	b.packets = append(b.packets, len(filters))
	codes := make([]byte, len(filters))
	for i, w := range filters {
		if codes[i] = w.QoS; b.deny[w.Filter] {
			codes[i] = 0x87
			continue
		}
		b.filters[w.Filter] = w
		c.asked[w.Filter] = true
	}
	return codes, b.replay(filters, c.version)
}

func (c *connection) Unsubscribe(ctx context.Context, filters []string) error {
	if err := c.usable(ctx); err != nil {
		return err
	}
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	for _, f := range filters {
		if !c.broker.amnesic || c.asked[f] {
			delete(c.broker.filters, f)
		}
	}
	return nil
}

func (c *connection) Publish(ctx context.Context, p messages.Publish) error {
	if err := c.usable(ctx); err != nil {
		return err
	}
	c.broker.mu.Lock()
	c.broker.sent = append(c.broker.sent, p)
	hold, code := c.broker.hold, c.broker.codes[p.Message.Topic]
	_, own := c.broker.filters[p.Message.Topic]
	c.broker.mu.Unlock()
	if own && code < 0x80 && strings.HasPrefix(p.Message.Topic, messages.MarkerTopics) {
		c.broker.mark(*p.Message)
	}
	if !hold {
		c.sink.Published(messages.Published{Receipt: p.Receipt, QoS: p.Message.QoS, Code: code, Reason: "as the test says"})
	}
	return nil
}

func (c *connection) Close() {
	b := c.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if !c.closed {
		c.closed = true
		b.open--
	}
	if b.live == c {
		b.live = nil
	}
}
