package mqtt

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"chanmqttproxy/messages"
)

// writeTimeout is how long the peer may leave a write unread.
const writeTimeout = 30 * time.Second

// Dialer opens Conns, one at a time, and keeps the session state between
// them.
type Dialer struct {
	config  Config
	state   *state
	servers []*server

	mu         sync.Mutex // held by Dial
	current    *Conn
	remembered string // the client id whose session is known to be ours
	unwanted   string // the client id whose session must be dropped, though it is ours
	fallback   fallback
}

// fallback is the server that the next Dial starts with, since it did not seem to speak the version
// that the last one tried.
type fallback struct {
	server int
	reason *messages.ConnectionFailure // nil: there is none
}

// server is one of those to which a Dialer connects.
type server struct {
	url *url.URL
	history
	copies copies
	passed map[string]bool // the failures that were logged since the last connection
	parted <-chan struct{} // closed when the connection of the last unanswered CONNECT has ended; nil: there is none
}

// NewDialer returns a Dialer. It connects to nothing yet.
func NewDialer(c Config) *Dialer {
	d := &Dialer{config: c.withDefaults(), state: newState()}
	for _, u := range c.Servers {
		d.servers = append(d.servers, &server{url: u})
	}
	return d
}

// Forget drops the session state. Call it when another process may have used the client id since the
// last Conn. What is unsettled is published anew then.
func (d *Dialer) Forget() { d.state.forget() }

// Dial closes an earlier Conn, and connects to the first server that answers. If version is MQTT5
// and a server does not seem to speak it, Dial returns a failure with Next, and the following Dial
// starts with that server and MQTT311. The version of a server is remembered for an hour.
//
// Each CONNECT to each server may take Config.Timeout; one to a server that accepted
// the connection before and did not answer in time gets twice as long as the one
// before it, up to a minute. Dial returns at once when ctx ends.
//
// Errors are *messages.ConnectionFailure. A server that refuses our credentials or client
// id ends the attempt; after any other failure the next one is tried.
func (d *Dialer) Dial(ctx context.Context, version messages.Version, sink Sink) (*Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil {
		d.current.Close()
		d.current = nil
	}
	a, err := d.prepare(ctx, version, sink)
	if err != nil {
		return nil, err
	}
	c, err := d.dialAny(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := d.remember(ctx, a.clientID); err != nil {
		c.Close()
		return nil, err
	}
	d.current = c
	return c, nil
}

// prepare asks for the client id, and whether its session is known. Its errors are
// *messages.ConnectionFailure.
func (d *Dialer) prepare(ctx context.Context, version messages.Version, sink Sink) (attempt, error) {
	ctx, cancel := within(ctx, d.config.Timeout)
	defer cancel()
	clientID, err := d.config.ClientID(ctx)
	if err != nil {
		return attempt{}, undialled("asking for the client id", err)
	}
	unknown, err := d.unknown(ctx, clientID)
	return attempt{
		config: d.config, state: d.state, preferred: version, clientID: clientID, unknown: unknown, sink: sink,
	}, err
}

func (d *Dialer) dialAny(ctx context.Context, a attempt) (*Conn, error) {
	failure := undialled("connecting", errors.New("no server is configured"))
	first := d.fallback
	d.fallback = fallback{}
	for i := first.server; i < len(d.servers); i++ {
		var c *Conn
		a.server = d.servers[i]
		if c, failure = a.run(ctx); failure == nil {
			clear(a.server.passed)
			return c, nil
		}
		if failure.Next != 0 {
			d.fallback = fallback{i, failure}
			break
		}
		if i == first.server && first.reason != nil && (ctx.Err() != nil || !speaks(failure.Cause)) {
			failure = first.because()
		}
		if ctx.Err() != nil || final(failure.Cause) {
			break
		}
		if i < len(d.servers)-1 {
			a.server.passOver(a.config.Logger, failure)
		}
	}
	return nil, failure
}

// because is why the server was tried with another version. It says more than that the server does
// not speak that version either.
func (f fallback) because() *messages.ConnectionFailure {
	reason := *f.reason
	reason.Next = 0
	return &reason
}

// final says whether every server would refuse for that cause.
func final(c messages.Cause) bool {
	return c == messages.BadCredentials || c == messages.ClientIDRefused || c == messages.TakenOver
}
