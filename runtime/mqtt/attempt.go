package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"chanmqttproxy/messages"
)

// attempt is one try at one server.
type attempt struct {
	config    Config
	state     *state
	server    *server
	preferred messages.Version
	version   messages.Version
	clientID  string
	unknown   bool // the server may store a session that is not ours
	sink      Sink
}

// run tries the version that the server seems to speak. The failure has Next if another version
// should be tried now.
func (a attempt) run(ctx context.Context) (*Session, *messages.ConnectionFailure) {
	a.version = a.server.version(a.preferred, time.Now())
	s, failure := a.open(ctx)
	if failure != nil && a.version != a.server.version(a.preferred, time.Now()) && a.version == messages.MQTT5 {
		failure.Next = messages.MQTT311
	}
	return s, failure
}

// understood says whether a server that fails for that cause speaks the version.
func understood(c messages.Cause) bool {
	return final(c) || c == messages.BrokerRefused || c == messages.SessionKept
}

// open connects. A stored session that may not be ours is dropped first.
func (a attempt) open(ctx context.Context) (*Session, *messages.ConnectionFailure) {
	if a.unknown && a.server.mustDrop(a.clientID) {
		if failure := a.drop(ctx); failure != nil {
			return nil, failure
		}
		a.server.hasDropped(a.clientID)
	}
	return a.connect(ctx)
}

// connect makes one connection and sends one CONNECT.
func (a attempt) connect(ctx context.Context) (*Session, *messages.ConnectionFailure) {
	a.server.awaitParting(ctx)
	doing := fmt.Sprintf("connecting to %s with MQTT %s", address(a.server.url), a.version)
	began := time.Now()
	ctx, cancel := within(ctx, a.server.connectTime(a.config.Timeout))
	defer cancel()
	network, err := open(ctx, a.server.url, a.config)
	if err != nil {
		if errors.Is(err, errSilent) {
			a.server.slow(a.config.Timeout)
		}
		return nil, undialled(doing, because(ctx, err))
	}
	s := &Session{
		conn: newConn(network, writeTimeout), sink: a.sink, state: a.state,
		outbound: newOutbound(), bound: a.config.bound(), refused: a.config.Refused, log: a.config.Logger, muted: make(chan struct{}),
	}
	if a.version == messages.MQTT5 {
		s.copies = &a.server.copies
	}
	s.conn.onTrip, s.conn.onPong = a.config.RoundTrip, s.answeredPing
	s.conn.frames.maximum = int(a.config.MaximumPacket)
	s.work.Go(func() { s.conn.run(s.flushed) })
	if failure := a.handshake(ctx, doing, s); failure != nil {
		s.abandon()
		a.failed(s, failure)
		return nil, failure
	}
	a.server.answered(a.version, time.Since(began))
	return s, nil
}

// failed notes how a CONNECT failed.
func (a attempt) failed(s *Session, failure *messages.ConnectionFailure) {
	a.server.parted = s.conn.parted
	if failure.Cause == messages.Unanswered {
		a.server.slow(a.config.Timeout)
	}
	if failure.Cause != messages.SessionKept {
		a.server.failed(a.version, failure.Cause, time.Now())
	}
}

// awaitParting waits until nothing is left of an earlier connection on which the server may still
// be busy with CONNECT: some servers would then take the session from a newer connection.
func (s *server) awaitParting(ctx context.Context) {
	if s.parted == nil {
		return
	}
	select {
	case <-s.parted:
		s.parted = nil
	case <-ctx.Done():
	}
}

// handshake sends CONNECT and waits for CONNACK.
func (a attempt) handshake(ctx context.Context, doing string, s *Session) (failure *messages.ConnectionFailure) {
	codec, err := newCodec(a.version, userLimit{a.config.UserProperties, a.config.UserPropertyBytes})
	if err != nil {
		return undialled(doing, err)
	}
	s.engine = newEngine(codec, s)
	ours := true
	stop := context.AfterFunc(ctx, func() { s.conn.giveUp(ctx, a.server.connectTime(a.config.Timeout)) })
	defer stop()
	p, err := s.engine.connect(connectOptions{config: a.config, clientID: a.clientID}, func(p packet) {
		if ours = !a.unknown || a.server.opened(a.clientID, p.present); !ours {
			s.sink, s.state, p.present = Discard{}, newState(), false
		}
		a.accept(s, p)
	})
	switch {
	case err != nil || !stop():
		return unanswered(doing, a.version, s.conn.firstBytes(), because(ctx, s.conn.why(err)))
	case p.code != 0:
		return refused(doing, a.version, p)
	case !ours:
		s.engine.disconnect()
		return &messages.ConnectionFailure{Doing: doing, Cause: messages.SessionKept, Err: errors.New("it is dropped again in a moment")}
	}
	return nil
}

// accept takes in a CONNACK, and asks the broker to release packet ids before anything else is
// sent.
func (a attempt) accept(s *Session, p packet) {
	s.limits = p.limits
	s.outbound.open(p.limits.receiveMaximum)
	s.info = messages.ConnectionInfo{
		Version: a.version, Broker: address(a.server.url), ClientID: a.clientID, Present: p.present,
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

// because returns why ctx ended, if err is only a consequence of that, else err.
func because(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case cause == nil:
		return err
	case errors.As(err, new(*net.DNSError)):
		return fmt.Errorf("%w: %w", err, cause)
	default:
		return cause
	}
}
