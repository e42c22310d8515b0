package mqtt

import (
	"context"
	"fmt"

	"chanmqttproxy/messages"
)

// Sessions remembers, beyond this process, under which client ids the broker stores a session of ours. A
// stored session that is not remembered may hold filters that nobody wants: Redis has lost its data, or
// another program used the client id.
type Sessions interface {
	// KnownSession says whether RememberSession was called with the client id.
	KnownSession(ctx context.Context, clientID string) (bool, error)
	// RememberSession notes the client id. It may be repeated.
	RememberSession(ctx context.Context, clientID string) error
}

// unknown says whether the broker must drop the session that it may store under
// the client id. Its errors are *messages.ConnectionFailure.
func (d *Dialer) unknown(ctx context.Context, clientID string) (bool, error) {
	if d.state.takeReplayed() == clientID {
		d.unwanted = clientID
		for _, s := range d.servers {
			s.dropped, s.begun = "", ""
		}
	}
	if d.unwanted == clientID {
		return true, nil
	}
	if !d.marks() || d.remembered == clientID {
		return false, nil
	}
	known, err := d.config.Sessions.KnownSession(ctx, clientID)
	if err != nil {
		return false, undialled(fmt.Sprintf("asking whether the session %q is known", clientID), err)
	}
	return !known, nil
}

// remember notes that the broker now stores a session that is ours. Its errors
// are *messages.ConnectionFailure.
func (d *Dialer) remember(ctx context.Context, clientID string) error {
	d.unwanted = ""
	if !d.marks() || d.remembered == clientID {
		return nil
	}
	ctx, cancel := within(ctx, d.config.Timeout)
	defer cancel()
	if err := d.config.Sessions.RememberSession(ctx, clientID); err != nil {
		return undialled(fmt.Sprintf("remembering the session %q", clientID), err)
	}
	d.remembered = clientID
	return nil
}

func (s *state) takeReplayed() (clientID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clientID, s.replayed = s.replayed, ""
	return clientID
}

func (d *Dialer) marks() bool { return d.config.Sessions != nil && d.config.SessionExpiry > 0 }

// drop makes the broker forget its session, by a short connection with a clean session [MQTT-3.1.2-6].
// Under MQTT 5 the next session could ask for a clean start, but mosquitto 2.0 keeps no session over its
// own restart whose last CONNECT did.
func (a attempt) drop(ctx context.Context) *messages.ConnectionFailure {
	a.config.SessionExpiry, a.config.Will, a.unknown = 0, nil, false
	a.state, a.sink = newState(), Discard{}
	c, failure := a.connect(ctx)
	if failure != nil {
		return failure
	}
	c.Close()
	return nil
}

// Drop makes the broker forget the session that it stores under the client id, for
// good. No Conn may be open. Its errors are *messages.ConnectionFailure.
func (d *Dialer) Drop(ctx context.Context, version messages.Version) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	clientID, err := d.config.ClientID(ctx)
	if err != nil {
		return undialled("asking for the client id", err)
	}
	a := attempt{config: d.config, version: version, clientID: clientID}
	var failure *messages.ConnectionFailure
	for _, a.server = range d.servers {
		if failure = a.drop(ctx); failure == nil {
			return nil
		}
	}
	return failure
}

// Discard is the Sink of a connection from which nothing is wanted.
type Discard struct{}

// Received takes nothing.
func (Discard) Received(uint64, []uint32, *messages.Message) bool { return false }

// Published does nothing.
func (Discard) Published(messages.Published) {}

// Lost does nothing.
func (Discard) Lost(error) {}
