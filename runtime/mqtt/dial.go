package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"chanmqttproxy/messages"
)

// writeTimeout is how long the peer may leave a write unread.
const writeTimeout = 30 * time.Second

// Dialer opens Sessions, one at a time, and keeps the session state between
// them.
type Dialer struct {
	config Config
	state  *state

	mu         sync.Mutex // held by Dial
	current    *Session
	remembered string // the client id whose session is known to be ours
}

// NewDialer returns a Dialer. It connects to nothing yet.
func NewDialer(c Config) *Dialer {
	return &Dialer{config: c.withDefaults(), state: newState()}
}

// Forget drops the session state: to be called when another process may have
// used the client id since the last Session. What is unsettled is then
// published anew.
func (d *Dialer) Forget() { d.state.forget() }

// Dial connects to the first server that answers and speaks the version with
// it. An earlier Session is closed first. It returns within Config.Timeout, and
// at once when ctx ends.
//
// Errors are *messages.SessionFailure. A server that cannot be reached or has
// no room is passed over for the next one; any other refusal is returned.
func (d *Dialer) Dial(ctx context.Context, version messages.Version, sink Sink) (*Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil {
		d.current.Close()
		d.current = nil
	}
	ctx, cancel := within(ctx, d.config.Timeout)
	defer cancel()
	clientID, err := d.config.ClientID(ctx)
	if err != nil {
		return nil, undialled("asking for the client id", err)
	}
	clean, err := d.unknown(ctx, clientID)
	if err != nil {
		return nil, err
	}
	s, err := d.dialAny(ctx, attempt{
		config: d.config, state: d.state, version: version, clientID: clientID, clean: clean, sink: sink,
	})
	if err != nil {
		return nil, err
	}
	if err := d.remember(ctx, clientID); err != nil {
		s.Close()
		return nil, err
	}
	d.current = s
	return s, nil
}

func (d *Dialer) dialAny(ctx context.Context, a attempt) (*Session, error) {
	var failure *messages.SessionFailure
	for i, server := range d.config.Servers {
		var s *Session
		a.server = server
		s, failure = dialShare(ctx, len(d.config.Servers)-i, a)
		if failure == nil {
			return s, nil
		}
		if failure.Cause != messages.Network && failure.Cause != messages.BrokerRefused {
			break
		}
	}
	if failure == nil {
		failure = undialled("connecting", errors.New("no server is configured"))
	}
	return nil, failure
}

// dialShare gives one server its share of the time that is left.
func dialShare(ctx context.Context, left int, a attempt) (*Session, *messages.SessionFailure) {
	deadline, _ := ctx.Deadline()
	ctx, cancel := within(ctx, time.Until(deadline)/time.Duration(left))
	defer cancel()
	return a.run(ctx)
}

// attempt is one try at one server.
type attempt struct {
	config   Config
	state    *state
	server   *url.URL
	version  messages.Version
	clientID string
	clean    bool // the broker is to drop its stored session
	sink     Sink
}

func (a attempt) run(ctx context.Context) (*Session, *messages.SessionFailure) {
	if a.clean {
		if failure := a.drop(ctx); failure != nil {
			return nil, failure
		}
	}
	return a.connect(ctx)
}

func (a attempt) connect(ctx context.Context) (*Session, *messages.SessionFailure) {
	doing := fmt.Sprintf("connecting to %s with MQTT %s", address(a.server), a.version)
	network, err := open(ctx, a.server, a.config)
	if err != nil {
		return nil, undialled(doing, because(ctx, err))
	}
	s := &Session{
		conn: newConn(network, writeTimeout), sink: a.sink, state: a.state,
		outbound: newOutbound(), bound: a.config.bound(), muted: make(chan struct{}),
	}
	s.conn.onTrip = a.config.RoundTrip
	s.work.Go(func() { s.conn.run(s.flushed) })
	failure := a.handshake(ctx, doing, s)
	if failure != nil {
		s.abandon()
		return nil, failure
	}
	return s, nil
}

// handshake sends CONNECT and waits for CONNACK.
func (a attempt) handshake(ctx context.Context, doing string, s *Session) (failure *messages.SessionFailure) {
	var err error
	if s.engine, err = newEngine(a.version, s); err != nil {
		return undialled(doing, err)
	}
	stop := context.AfterFunc(ctx, func() { s.conn.close(because(ctx, ctx.Err())) })
	defer stop()
	p, err := s.engine.connect(ctx, hello{config: a.config, clientID: a.clientID}, func(p packet) { a.accept(s, p) })
	switch {
	case err != nil || !stop():
		return unanswered(doing, a.version, s.conn.firstBytes(), because(ctx, s.conn.why(err)))
	case p.code != 0:
		return refused(doing, a.version, p)
	}
	return nil
}

// accept takes what the CONNACK says, and asks the broker to release packet ids
// before anything else is sent.
func (a attempt) accept(s *Session, p packet) {
	s.limits = p.limits
	s.outbound.open(p.limits.receiveMaximum)
	s.info = messages.SessionInfo{
		Version: a.version, Broker: address(a.server), ClientID: a.clientID, Present: p.present,
		KeepAlive: a.config.KeepAlive, MaximumPacket: p.limits.maximumPacket,
	}
	if p.limits.keepAlive != nil {
		s.info.KeepAlive = *p.limits.keepAlive // [MQTT-3.2.2-21]
	}
	s.release(s.state.attach(a.clientID, p.present, s.flushAcks)...)
}

// within is context.WithTimeout with an error that says how long it was.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("no answer within %v: %w", d.Round(time.Millisecond), context.DeadlineExceeded))
}

// because prefers why ctx ended over the error that this led to.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
