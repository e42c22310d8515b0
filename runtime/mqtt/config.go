package mqtt

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/url"
	"time"
)

// Config says where and how a Dialer connects.
type Config struct {
	// Servers are tried in order. Their schemes: mqtt, tcp (port 1883); mqtts,
	// ssl, tls (8883); ws (80); wss (443), with the URL's path. A user in a URL
	// is not looked at.
	Servers []*url.URL
	// TLS is used with mqtts and wss; nil: the system's roots.
	TLS *tls.Config
	// Roots, if set, returns the trusted authorities at each connection.
	Roots func() (*x509.CertPool, error)
	// User and Password are sent where one of them is set.
	User, Password string
	// ClientID returns the client id at each Dial. It names the session at the broker.
	ClientID func(ctx context.Context) (string, error)
	// Sessions says, at the first Dial with a client id, whether a session that the broker
	// stores is ours. If not, it is dropped. nil: any is ours. It is not used if
	// SessionExpiry is 0.
	Sessions Sessions
	// KeepAlive is in seconds; 0: none, and a silent broker goes unnoticed.
	KeepAlive uint16
	// SessionExpiry is how long the broker keeps the session, in seconds; 0: each session is
	// clean. MQTT 3.1.1 has only 0 and for ever.
	SessionExpiry uint32
	// ReceiveMaximum bounds the unacknowledged inbound messages of QoS 1 and 2 under MQTT 5;
	// 0: 1024. If the broker sends more, as it may under 3.1.1, nothing is read while twice
	// as many are unacknowledged.
	ReceiveMaximum uint16
	// ReceiveBytes bounds them in the same way, by messages.Message.Size; 0: 64 MiB.
	ReceiveBytes int
	// MaximumPacket is the size in bytes of the largest PUBLISH that is taken; 0: 16 MiB.
	// CONNECT announces it under MQTT 5. A larger one that comes all the same, as under
	// 3.1.1, is acknowledged, but its payload is not kept.
	MaximumPacket uint32
	// UserProperties is how many user properties of a message are kept, 0: 1,000, and
	// UserPropertyBytes how many bytes their names and values may have together; 0: 65,536.
	// The rest is left out.
	UserProperties, UserPropertyBytes int
	// Skipped counts what was not taken; nil: it is not counted.
	Skipped *Skipped
	// Will is published by the broker when the connection breaks; nil: none.
	Will *Will
	// Timeout bounds each CONNECT of each server, from the name look-up to the CONNACK,
	// and each question to Sessions; 0: 10 s. See Dialer.Dial for more of it.
	Timeout time.Duration
	// RoundTrip is called with the time from a PINGREQ until its PINGRESP was read, which may
	// come behind messages. A PINGREQ is sent when the connection was quiet for half of
	// KeepAlive, and else once in KeepAlive. nil: it is not called.
	RoundTrip func(time.Duration)
	// Logger gets what is odd but harmless; nil: it is not logged.
	Logger *slog.Logger

	network dialFunc // replaced by tests
}

// dialFunc makes the connection below TLS and WebSocket.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Will is the message that the broker publishes in our name [MQTT-3.1.2-8].
type Will struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
}

const (
	defaultTimeout        = 10 * time.Second
	defaultReceiveMaximum = 1024
	defaultReceiveBytes   = 64 << 20
	defaultMaximumPacket  = 16 << 20
	defaultUserProperties = 1000
	defaultUserBytes      = 64 << 10
)

// tls is the TLS configuration for one connection.
func (c Config) tls() (*tls.Config, error) {
	if c.Roots == nil {
		return c.TLS, nil
	}
	roots, err := c.Roots()
	if err != nil {
		return nil, err
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		t = c.TLS.Clone()
	}
	t.RootCAs = roots
	return t, nil
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.ReceiveMaximum == 0 {
		c.ReceiveMaximum = defaultReceiveMaximum
	}
	if c.ReceiveBytes == 0 {
		c.ReceiveBytes = defaultReceiveBytes
	}
	if c.network == nil {
		c.network = new(net.Dialer).DialContext
	}
	c.MaximumPacket = cmp.Or(c.MaximumPacket, defaultMaximumPacket)
	c.UserProperties = cmp.Or(c.UserProperties, defaultUserProperties)
	c.UserPropertyBytes = cmp.Or(c.UserPropertyBytes, defaultUserBytes)
	if c.Skipped == nil {
		c.Skipped = new(Skipped)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
