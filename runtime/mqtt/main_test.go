package mqtt_test

import (
	"context"
	"net/url"
	"testing"

	"go.uber.org/goleak"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/conform"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// port is a Dialer as the port has it; the worker has the same.
type port struct{ *mqtt.Dialer }

func (p port) Dial(ctx context.Context, version messages.Version, sink actors.Sink) (actors.Conn, error) {
	s, err := p.Dialer.Dial(ctx, version, sink)
	if err != nil {
		return nil, err // not a nil *mqtt.Conn in an interface
	}
	return s, nil
}

// driver is what the conformance suite tests.
func driver(c conform.SessionClient) actors.MQTT {
	return port{mqtt.NewDialer(config(c.Server, func(to *mqtt.Config) {
		to.ClientID = named(c.ID)
		to.KeepAlive, to.SessionExpiry = c.KeepAlive, c.Expiry
	}))}
}

// config is what most tests connect with.
func config(server *url.URL, change ...func(*mqtt.Config)) mqtt.Config {
	c := mqtt.Config{
		Servers: []*url.URL{server}, ClientID: named("client"), KeepAlive: 30, SessionExpiry: 300,
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func named(id string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return id, nil }
}
