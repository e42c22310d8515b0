package worker

import (
	"context"
	"log/slog"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/mqtt"
)

// broker is the MQTT side as the actors see it.
type broker struct {
	*mqtt.Dialer
	foreign *foreign
}

func newBroker(cfg *config.Config, client layer.Peer, foreign *foreign, log *slog.Logger) broker {
	return broker{mqtt.NewDialer(DialerConfig(cfg, client, log)), foreign}
}

// Dial makes a session.
func (b broker) Dial(ctx context.Context, version messages.Version, sink actors.Sink) (actors.Session, error) {
	if err := b.foreign.end(ctx, version); err != nil {
		return nil, err
	}
	session, err := b.Dialer.Dial(ctx, version, sink)
	if err != nil {
		return nil, err // not a nil *mqtt.Session in an interface
	}
	return session, nil
}

// DialerConfig is what the configuration says of the broker. The client id
// comes from Redis unless it is set.
func DialerConfig(cfg *config.Config, client layer.Peer, log *slog.Logger) mqtt.Config {
	b := cfg.Broker
	clientID := client.ClientID
	if b.ClientID != "" {
		clientID = func(context.Context) (string, error) { return b.ClientID, nil }
	}
	return mqtt.Config{
		Servers:        b.Servers,
		TLS:            b.TLS,
		User:           b.User,
		Password:       b.Password,
		ClientID:       clientID,
		KeepAlive:      uint16(b.KeepAlive / time.Second),
		SessionExpiry:  uint32(b.SessionExpiry / time.Second),
		ReceiveMaximum: b.ReceiveMaximum,
		Will:           will(b.Will),
		Logger:         log,
	}
}

func will(m *messages.Message) *mqtt.Will {
	if m == nil {
		return nil
	}
	return &mqtt.Will{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain}
}
