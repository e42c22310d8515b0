package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/gorilla/websocket"
)

// address is the URL as it may be shown: without user, path and query.
func address(u *url.URL) string { return u.Scheme + "://" + hostPort(u) }

// hostPort adds the scheme's own port where the URL has none.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	ports := map[string]string{
		"mqtts": "8883", "ssl": "8883", "tls": "8883", "ws": "80", "wss": "443",
	}
	port, ok := ports[u.Scheme]
	if !ok {
		port = "1883"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// open connects to one server, up to and including TLS and the WebSocket
// handshake.
func open(ctx context.Context, u *url.URL, c Config) (net.Conn, error) {
	config, err := c.tls()
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "mqtt", "tcp":
		return c.network(ctx, "tcp", hostPort(u))
	case "mqtts", "ssl", "tls":
		return openTLS(ctx, u, c.network, config)
	case "ws", "wss":
		return openWebSocket(ctx, u, c.network, config)
	default:
		return nil, fmt.Errorf("the scheme %q is none of mqtt, tcp, mqtts, ssl, tls, ws, wss", u.Scheme)
	}
}

// errSilent: the server accepted the connection, but said nothing in time.
var errSilent = errors.New("the server accepted the connection and then said nothing")

// silent adds errSilent where ctx has ended because the time was up.
func silent(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", errSilent, err)
	}
	return err
}

func openTLS(ctx context.Context, u *url.URL, network dialFunc, config *tls.Config) (net.Conn, error) {
	raw, err := network(ctx, "tcp", hostPort(u))
	if err != nil {
		return nil, err
	}
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = u.Hostname()
	}
	c := tls.Client(raw, config)
	if err := c.HandshakeContext(ctx); err != nil {
		raw.Close()
		if isHangup(err) {
			err = fmt.Errorf("%w: %w", errHandshake, err)
		}
		return nil, silent(ctx, err)
	}
	return c, nil
}

// errHandshake is a connection that the server closed in the TLS handshake.
var errHandshake = errors.New("the TLS handshake")

func openWebSocket(ctx context.Context, u *url.URL, network dialFunc, config *tls.Config) (net.Conn, error) {
	accepted := false
	d := websocket.Dialer{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: config,
		Subprotocols:    []string{"mqtt"}, // [MQTT-6.0.0-3]
		NetDialContext: func(ctx context.Context, kind, address string) (net.Conn, error) {
			c, err := network(ctx, kind, address)
			accepted = err == nil
			return c, err
		},
	}
	target := *u
	target.User = nil
	c, response, err := d.DialContext(ctx, target.String(), nil)
	if err != nil && response != nil {
		return nil, newNoWebSocket(response)
	}
	if err != nil && accepted {
		return nil, silent(ctx, err)
	}
	if err != nil {
		return nil, err
	}
	return &webSocket{Conn: c.NetConn(), ws: c}, nil
}
