package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/mqtt"
)

// foreign sees to it that a session which Redis does not know is not resumed:
// it may hold subscriptions that nobody here has heard of, since Redis lost its
// data or is another one. An id that is kept in Redis needs none of this; one
// from the configuration does.
type foreign struct {
	client layer.Peer
	id     string       // "": kept in Redis
	clean  *mqtt.Dialer // starts a session that ends with its connection
	known  atomic.Bool
	log    *slog.Logger
}

func newForeign(cfg *config.Config, client layer.Peer, log *slog.Logger) *foreign {
	f := &foreign{client: client, log: log}
	if cfg.Broker.SessionExpiry > 0 {
		f.id = cfg.Broker.ClientID
	}
	clean := DialerConfig(cfg, client, log)
	clean.SessionExpiry, clean.Will = 0, nil
	f.clean = mqtt.NewDialer(clean)
	return f
}

// end ends the session at the broker if it is a foreign one. Its errors are
// *messages.SessionFailure.
func (f *foreign) end(ctx context.Context, version messages.Version) error {
	if f.id == "" || f.known.Load() {
		return nil
	}
	known, err := f.client.KnownSession(ctx, f.id)
	if err != nil {
		return f.failure(err)
	}
	if !known {
		session, err := f.clean.Dial(ctx, version, deaf{})
		if err != nil {
			return err
		}
		f.log.Debug("ended the session that the broker may have kept: Redis does not know it", "client_id", f.id)
		session.Close()
	}
	if err := f.client.RememberSession(ctx, f.id); err != nil {
		return f.failure(err)
	}
	f.known.Store(true)
	return nil
}

// remember has Redis know the session again that is in use, after it may have
// lost its data.
func (f *foreign) remember(ctx context.Context) error {
	if !f.known.Load() {
		return nil
	}
	return f.client.RememberSession(ctx, f.id)
}

func (f *foreign) failure(err error) error {
	return &messages.SessionFailure{Doing: fmt.Sprintf("looking whether the session %s is ours", f.id), Err: err}
}

// deaf is the sink of a session that subscribes to nothing.
type deaf struct{}

func (deaf) Received(uint64, []uint32, *messages.Message) {}
func (deaf) Published(messages.Published)                 {}
func (deaf) Lost(error)                                   {}
