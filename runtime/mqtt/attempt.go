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
func (a attempt) run(ctx context.Context) (*Conn, *messages.ConnectionFailure) {
	a.version = a.server.version(a.preferred, time.Now())
	c, failure := a.open(ctx)
	if failure != nil && a.version != a.server.version(a.preferred, time.Now()) && a.version == messages.MQTT5 {
		failure.Next = messages.MQTT311
	}
	return c, failure
}

// speaks says whether a server that fails for that cause speaks the version.
func speaks(c messages.Cause) bool {
	return final(c) || c == messages.BrokerRefused || c == messages.SessionKept
}

// open connects. A stored session that may not be ours is dropped first.
func (a attempt) open(ctx context.Context) (*Conn, *messages.ConnectionFailure) {
	if a.unknown && a.server.mustDrop(a.clientID) {
		if failure := a.drop(ctx); failure != nil {
			return nil, failure
		}
		a.server.hasDropped(a.clientID)
	}
	return a.connect(ctx)
}

// connect makes one connection and sends one CONNECT.
func (a attempt) connect(ctx context.Context) (*Conn, *messages.ConnectionFailure) {
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
	c := &Conn{
		stream: newStream(network, writeTimeout), sink: a.sink, state: a.state,
		outbound: newOutbound(), bound: a.config.bound(), skipped: a.config.Skipped, log: a.config.Logger, muted: make(chan struct{}),
	}
	if a.version == messages.MQTT5 {
		c.copies = &a.server.copies
	}
	c.stream.onTrip, c.stream.onPong = a.config.RoundTrip, c.answeredPing
	c.stream.frames.maximum = int(a.config.MaximumPacket)
	c.work.Go(func() { c.stream.run(c.flushed) })
	if failure := a.handshake(ctx, doing, c); failure != nil {
		c.abandon()
		a.failed(c, failure)
		return nil, failure
	}
	a.server.answered(a.version, time.Since(began))
	return c, nil
}

// failed notes how a CONNECT failed.
func (a attempt) failed(c *Conn, failure *messages.ConnectionFailure) {
	a.server.parted = c.stream.parted
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
func (a attempt) handshake(ctx context.Context, doing string, c *Conn) (failure *messages.ConnectionFailure) {
	codec, err := newCodec(a.version, userLimit{a.config.UserProperties, a.config.UserPropertyBytes})
	if err != nil {
		return undialled(doing, err)
	}
	c.engine = newEngine(codec, c)
	ours := true
	stop := context.AfterFunc(ctx, func() { c.stream.giveUp(ctx, a.server.connectTime(a.config.Timeout)) })
	defer stop()
	p, err := c.engine.connect(connectOptions{config: a.config, clientID: a.clientID}, func(p packet) {
		if ours = !a.unknown || a.server.opened(a.clientID, p.present); !ours {
			c.sink, c.state, p.present = Discard{}, newState(), false
		}
		a.accept(c, p)
	})
	switch {
	case err != nil || !stop():
		return unanswered(doing, a.version, c.stream.firstBytes(), because(ctx, c.stream.why(err)))
	case p.code != 0:
		return refused(doing, a.version, p)
	case !ours:
		c.engine.disconnect()
		return &messages.ConnectionFailure{Doing: doing, Cause: messages.SessionKept, Err: errors.New("it is dropped again in a moment")}
	}
	return nil
}

// accept takes in a CONNACK, and asks the broker to release packet ids before anything else is
// sent.
func (a attempt) accept(c *Conn, p packet) {
	c.limits = p.limits
	c.outbound.open(p.limits.receiveMaximum)
	c.info = messages.Connack{
		Version: a.version, Broker: address(a.server.url), ClientID: a.clientID, Present: p.present,
		KeepAlive: a.config.KeepAlive, MaximumPacket: p.limits.maximumPacket,
	}
	if p.limits.keepAlive != nil {
		c.info.KeepAlive = *p.limits.keepAlive // [MQTT-3.2.2-21]
	}
	c.release(c.state.attach(a.clientID, p.present, c.flushAcks)...)
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
