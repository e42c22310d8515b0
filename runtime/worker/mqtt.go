package worker

import (
	"context"
	"log/slog"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/mqtt"
)

// mqttPort is the MQTT client as the actors see it.
type mqttPort struct{ *mqtt.Dialer }

// newMQTTPort makes the MQTT client of a session slot. Only that of the first slot has a will, since
// only it publishes.
func newMQTTPort(cfg *config.Config, sessions *sessions, trip func(time.Duration), skipped *mqtt.Skipped, log *slog.Logger) mqttPort {
	c := DialerConfig(cfg, sessions.ClientID, log)
	c.Sessions, c.RoundTrip, c.Skipped = sessions, trip, skipped
	if slot := sessions.slot; slot != 0 {
		base := c.ClientID
		c.Will = nil
		c.ClientID = func(ctx context.Context) (string, error) {
			name, err := base(ctx)
			return name + "-" + messages.SlotName(slot), err
		}
	}
	if sessions.slot == messages.StreamSlot { // a full stream leaves room for the others
		c.ReceiveBytes = max(cfg.Bounds.BacklogMemory/8, 1<<20)
	}
	return mqttPort{mqtt.NewDialer(c)}
}

// Dial makes a connection.
func (m mqttPort) Dial(ctx context.Context, version messages.Version, sink actors.Sink) (actors.Conn, error) {
	conn, err := m.Dialer.Dial(ctx, version, sink)
	if err != nil {
		return nil, err // not a nil *mqtt.Conn in an interface
	}
	return conn, nil
}

// DialerConfig is the configuration of the MQTT client. The client id is drawn if none is set.
func DialerConfig(cfg *config.Config, clientID func(context.Context) (string, error), log *slog.Logger) mqtt.Config {
	b := cfg.Broker
	if b.ClientID != "" {
		clientID = func(context.Context) (string, error) { return b.ClientID, nil }
	}
	return mqtt.Config{
		Servers:        b.Servers,
		TLS:            b.TLS,
		Roots:          b.Roots,
		User:           b.User,
		Password:       b.Password,
		ClientID:       clientID,
		KeepAlive:      uint16(b.KeepAlive / time.Second),
		SessionExpiry:  uint32(b.SessionExpiry / time.Second),
		ReceiveMaximum: b.ReceiveMaximum,
		Timeout:        b.ConnectTimeout,
		ReceiveBytes:   max(cfg.Bounds.BacklogMemory/2/b.Sessions, 1<<20),
		MaximumPacket:  uint32(b.MaximumPacket),
		UserProperties: b.UserProperties, UserPropertyBytes: b.UserPropertyBytes,
		Will:   will(b.Will),
		Logger: log,
	}
}

func will(m *messages.Message) *mqtt.Will {
	if m == nil {
		return nil
	}
	return &mqtt.Will{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain}
}
