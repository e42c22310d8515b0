package mqtt

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	state  state

	mu      sync.Mutex // held by Dial
	current *Session
}

// NewDialer returns a Dialer. It connects to nothing yet.
func NewDialer(c Config) *Dialer {
	d := &Dialer{config: c.withDefaults()}
	d.state.clear()
	return d
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
	s, err := d.dialAny(ctx, version, clientID, sink)
	if err != nil {
		return nil, err
	}
	d.current = s
	return s, nil
}

func (d *Dialer) dialAny(ctx context.Context, version messages.Version, clientID string, sink Sink) (*Session, error) {
	var failure *messages.SessionFailure
	for i, server := range d.config.Servers {
		var s *Session
		s, failure = d.dialShare(ctx, len(d.config.Servers)-i, attempt{
			dialer: d, server: server, version: version, clientID: clientID, sink: sink,
		})
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
func (d *Dialer) dialShare(ctx context.Context, left int, a attempt) (*Session, *messages.SessionFailure) {
	deadline, _ := ctx.Deadline()
	ctx, cancel := within(ctx, time.Until(deadline)/time.Duration(left))
	defer cancel()
	return a.run(ctx)
}

// attempt is one try at one server.
type attempt struct {
	dialer   *Dialer
	server   *url.URL
	version  messages.Version
	clientID string
	sink     Sink
}

func (a attempt) run(ctx context.Context) (*Session, *messages.SessionFailure) {
	doing := fmt.Sprintf("connecting to %s with MQTT %s", address(a.server), a.version)
	proto, err := protocolOf(a.version)
	if err != nil {
		return nil, undialled(doing, err)
	}
	network, err := open(ctx, a.server, a.dialer.config.TLS)
	if err != nil {
		return nil, undialled(doing, because(ctx, err))
	}
	s := &Session{
		conn: newConn(network, writeTimeout), proto: proto, sink: a.sink, state: &a.dialer.state,
		outbound: newOutbound(), reading: make(chan struct{}),
	}
	s.work.Go(func() { s.conn.run(s.flushed) })
	release, failure := a.handshake(ctx, doing, s)
	if failure != nil {
		s.conn.close(errClosed)
		s.work.Wait()
		return nil, failure
	}
	s.start(release)
	return s, nil
}

// handshake sends CONNECT and waits for CONNACK.
func (a attempt) handshake(ctx context.Context, doing string, s *Session) ([]uint16, *messages.SessionFailure) {
	stop := context.AfterFunc(ctx, func() { s.conn.close(because(ctx, ctx.Err())) })
	defer stop()
	_, err := s.conn.send(0, func(w io.Writer) error {
		return s.proto.connect(w, a.dialer.config, a.clientID)
	})
	if err != nil {
		return nil, undialled(doing, err)
	}
	p, err := s.next()
	if err == nil && p.kind != typeConnack {
		err = fmt.Errorf("the broker answered CONNECT with a packet of type %d", p.kind)
	}
	if err != nil || !stop() {
		return nil, unanswered(doing, a.version, s.conn.frames.first, s.conn.why(err))
	}
	if p.code != 0 {
		return nil, refused(doing, a.version, p)
	}
	return a.accept(s, p), nil
}

// accept takes what the CONNACK says.
func (a attempt) accept(s *Session, p packet) []uint16 {
	config := a.dialer.config
	s.limits = p.limits
	s.outbound.open(p.limits.receiveMaximum)
	s.info = messages.SessionInfo{
		Version: a.version, Broker: address(a.server), Present: p.present,
		KeepAlive: config.KeepAlive, MaximumPacket: p.limits.maximumPacket,
	}
	if p.limits.keepAlive != nil {
		s.info.KeepAlive = *p.limits.keepAlive // [MQTT-3.2.2-21]
	}
	return s.state.attach(a.clientID, p.present, s.flushAcks)
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
