package conform

import (
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// SessionFeatures declare how a broker, spoken to in one version, differs from
// others where the standard leaves it free or the broker does not follow it.
type SessionFeatures struct {
	Version messages.Version
	// Refused is a filter that the broker refuses in SUBACK; empty: none is.
	Refused string
	// GrantedQoS is the highest QoS the broker grants.
	GrantedQoS byte
	// Copies is how often a message comes that two filters match.
	Copies int
	// AddsExpiry: the broker sets a message expiry where the publisher has none.
	AddsExpiry bool
	// TellsTakenOver: the broker says why it hangs up on a client whose id is
	// used by another.
	TellsTakenOver bool
	// Stores: what is unacknowledged outlives a connection and is not lost.
	Stores bool
	// ReplaysExactOnly: retained messages are sent for filters without wildcards
	// only.
	ReplaysExactOnly bool
	// KeepsIDs: it comes again under its own packet id [MQTT-4.4.0-1], so that
	// it can be recognised.
	KeepsIDs bool
}

// SessionBroker is a running broker that a test may break.
type SessionBroker struct {
	URL *url.URL
	// Kill ends the broker at once; Freeze makes it silent. nil: it cannot be
	// done.
	Kill, Freeze func()
}

// SessionClient says what a test wants to connect as.
type SessionClient struct {
	ID        string
	Server    *url.URL
	KeepAlive uint16
	// Expiry is in seconds; 0: a clean session.
	Expiry uint32
}

// SessionDriver makes the MQTT to be tested.
type SessionDriver func(SessionClient) actors.MQTT

// Session is what every driver must pass, with every broker. broker is called
// for each test; it may return the same one each time, unless that can be
// killed or frozen.
func Session(t *testing.T, features SessionFeatures, broker func(testing.TB) SessionBroker, driver SessionDriver) {
	cases := []struct {
		name string
		run  func(*session)
	}{
		{"Subscribe", sessionSubscribe},
		{"SubscribeRefused", sessionSubscribeRefused},
		{"Unsubscribe", sessionUnsubscribe},
		{"Order", sessionOrder},
		{"Empty", sessionEmpty},
		{"Retained", sessionRetained},
		{"RetainedAgain", sessionRetainedAgain},
		{"NoLocal", sessionNoLocal},
		{"Overlap", sessionOverlap},
		{"Properties", sessionProperties},
		{"AcksOutOfOrder", sessionAcksOutOfOrder},
		{"UnacknowledgedAfterRestart", sessionUnacknowledgedAfterRestart},
		{"InboundAcrossCuts", sessionInboundAcrossCuts},
		{"OutboundAcrossCuts", sessionOutboundAcrossCuts},
		{"CleanSession", sessionCleanSession},
		{"TakenOver", sessionTakenOver},
		{"Cancel", sessionCancelled},
		{"Close", sessionClose},
		{"Kill", sessionKill},
		{"Freeze", sessionFreeze},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&session{T: t, features: features, broker: broker(t), driver: driver, prefix: prefix()})
		})
	}
}

var prefixes atomic.Uint64

// prefix is unlike any other: the broker may be shared.
func prefix() string { return fmt.Sprintf("conform-%d-%d", time.Now().UnixNano(), prefixes.Add(1)) }

// session is the bundle of one test.
type session struct {
	*testing.T
	features SessionFeatures
	broker   SessionBroker
	driver   SessionDriver
	prefix   string
}

// topic is the test's own, with the given levels.
func (s *session) topic(levels string) string { return s.prefix + "/" + levels }

// client is a driver with a session that the broker keeps, under the test's
// own id.
func (s *session) client(name string, at *url.URL) actors.MQTT {
	return s.driver(SessionClient{ID: s.prefix + name, Server: at, KeepAlive: 30, Expiry: 300})
}

// dial connects and closes the connection at the end of the test.
func (s *session) dial(mqtt actors.MQTT, sink actors.Sink) actors.Conn {
	s.Helper()
	live, err := mqtt.Dial(s.Context(), s.features.Version, sink)
	if err != nil {
		s.Fatalf("connecting: %v", err)
	}
	s.Cleanup(live.Close)
	return live
}

// connect is a fresh client with a sink of its own.
func (s *session) connect(name string) (actors.Conn, *Sink) {
	s.Helper()
	mqtt := s.client(name, s.broker.URL)
	sink := NewSink(mqtt)
	return s.dial(mqtt, sink), sink
}

// subscribe subscribes to filters, all of which must be granted.
func (s *session) subscribe(live actors.Conn, filters ...messages.Desired) {
	s.Helper()
	codes, err := live.Subscribe(s.Context(), filters)
	if err != nil {
		s.Fatalf("subscribing: %v", err)
	}
	for i, code := range codes {
		if code >= 0x80 {
			s.Fatalf("%q was refused with 0x%02x", filters[i].Filter, code)
		}
	}
}

// publish publishes one message.
func (s *session) publish(live actors.Conn, receipt string, m messages.Message) {
	s.Helper()
	err := live.Publish(s.Context(), messages.Publish{Receipt: messages.Receipt(receipt), Message: &m})
	if err != nil {
		s.Fatalf("publishing: %v", err)
	}
}

// eventually waits for a condition, long enough for a busy machine.
func (s *session) eventually(what string, condition func() bool) {
	s.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("not within a minute: %s", what)
		}
	}
}

// Received is one call of Sink.Received.
type Received struct {
	Seq         uint64
	Identifiers []uint32
	Message     *messages.Message
}

// Sink records what Sessions tell.
type Sink struct {
	mqtt actors.MQTT // acknowledges each delivery at once; nil: nobody does

	mu        sync.Mutex
	received  []Received
	published []messages.Published
	lost      []error
}

// NewSink returns a Sink that acknowledges each delivery at once, unless mqtt
// is nil.
func NewSink(mqtt actors.MQTT) *Sink { return &Sink{mqtt: mqtt} }

// Received implements actors.Sink.
func (k *Sink) Received(seq uint64, identifiers []uint32, m *messages.Message) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.received = append(k.received, Received{seq, identifiers, m})
	if k.mqtt != nil {
		k.mqtt.Ack(seq)
	}
	return true
}

// Published implements actors.Sink.
func (k *Sink) Published(p messages.Published) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.published = append(k.published, p)
}

// Lost implements actors.Sink.
func (k *Sink) Lost(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lost = append(k.lost, err)
}

// Messages returns what was received so far.
func (k *Sink) Messages() []Received {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]Received(nil), k.received...)
}

// Count is the number of messages received so far.
func (k *Sink) Count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.received)
}

// Payloads returns the payloads received so far.
func (k *Sink) Payloads() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]string, len(k.received))
	for i, r := range k.received {
		all[i] = string(r.Message.Payload)
	}
	return all
}

// Settled returns what was reported of receipts so far.
func (k *Sink) Settled() []messages.Published {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]messages.Published(nil), k.published...)
}

// Losses returns the errors given to Lost so far.
func (k *Sink) Losses() []error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]error(nil), k.lost...)
}
