package mqtt

import (
	"context"
	"crypto/tls"
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
		return (&net.Dialer{}).DialContext(ctx, "tcp", hostPort(u))
	case "mqtts", "ssl", "tls":
		return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", hostPort(u))
	case "ws", "wss":
		return openWebSocket(ctx, u, config)
	default:
		return nil, fmt.Errorf("the scheme %q is none of mqtt, tcp, mqtts, ssl, tls, ws, wss", u.Scheme)
	}
}

func openWebSocket(ctx context.Context, u *url.URL, config *tls.Config) (net.Conn, error) {
	d := websocket.Dialer{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: config,
		Subprotocols:    []string{"mqtt"}, // [MQTT-6.0.0-3]
	}
	target := *u
	target.User = nil
	c, response, err := d.DialContext(ctx, target.String(), nil)
	if err != nil && response != nil {
		return nil, fmt.Errorf("the server answered %q: %w", response.Status, err)
	}
	if err != nil {
		return nil, err
	}
	return &webSocket{Conn: c.NetConn(), ws: c}, nil
}
