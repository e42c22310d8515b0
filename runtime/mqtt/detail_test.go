package mqtt_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
	"chanmqttproxy/test/probe"
)

// In these tests no name server ever answers; localhost needs none.
func init() {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
}

// websockets is a server that answers the opening of a WebSocket in some way.
func websockets(t *testing.T, answer http.HandlerFunc) *url.URL {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return &url.URL{Scheme: "ws", Host: s.Listener.Addr().String(), Path: "/mqtt"}
}

// textFrame sends text before it has heard anything.
func textFrame(w http.ResponseWriter, r *http.Request) {
	c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.WriteMessage(websocket.TextMessage, []byte("welcome"))
	_, _, _ = c.ReadMessage()
	_, _, _ = c.ReadMessage()
}

// TestDetails: why there is no connection is said at once, and told apart.
func TestDetails(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	port := kit.FreePort(t)
	kit.Mosquitto(t, "allow_anonymous true", fmt.Sprintf("listener %d 127.0.0.1", port), "cafile "+a.cert, "certfile "+a.cert, "keyfile "+a.key, "require_certificate true")
	at := func(scheme, host string) *url.URL {
		return &url.URL{Scheme: scheme, Host: fmt.Sprintf("%s:%d", host, port)}
	}
	without := kit.Mosquitto(t)
	plain := websockets(t, http.NotFound)
	plain.Scheme = "mqtts"
	later := func() time.Time { return time.Now().Add(48 * time.Hour) }
	for name, c := range map[string]struct {
		server *url.URL
		tls    *tls.Config
		want   messages.Detail
		words  string
	}{
		"nobody listens":          {&url.URL{Scheme: "mqtt", Host: "127.0.0.1:1"}, nil, messages.ConnectionRefused, "refused"},
		"no name server":          {&url.URL{Scheme: "mqtt", Host: "broker.test"}, nil, messages.NameNotFound, "lookup broker.test"},
		"unknown authority":       {at("mqtts", "127.0.0.1"), &tls.Config{}, messages.UnknownAuthority, "unknown authority"},
		"other name":              {at("mqtts", "localhost"), &tls.Config{RootCAs: a.pool}, messages.OtherName, "localhost"},
		"other name, wss":         {at("wss", "localhost"), &tls.Config{RootCAs: a.pool}, messages.OtherName, "localhost"},
		"out of date":             {at("mqtts", "127.0.0.1"), &tls.Config{RootCAs: a.pool, Time: later}, messages.OutOfDate, "expired"},
		"no certificate":          {at("mqtts", "127.0.0.1"), &tls.Config{RootCAs: a.pool}, messages.ClientCertificate, "certificate"},
		"TLS to plain HTTP":       {plain, &tls.Config{}, messages.NoTLS, "tls"},
		"TLS to a broker without": {&url.URL{Scheme: "mqtts", Host: without.Addr()}, &tls.Config{}, messages.HandshakeClosed, "the TLS handshake: "},
		"another protocol":        {scripted(t, []byte("SSH-2.0-OpenSSH\r\n"), false, false), nil, messages.NotMQTT, "does not speak MQTT"},
		"not found":               {websockets(t, http.NotFound), nil, messages.WebSocketRefused, "404 Not Found"},
		"redirect": {websockets(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://user:secret@elsewhere/login?token=secret", http.StatusFound)
		}), nil, messages.WebSocketRefused, `"302 Found", "https://elsewhere/login"`},
		"text": {websockets(t, textFrame), nil, messages.NotMQTT, "not binary"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limit := 30 * time.Second // more than it may take
			if c.want == messages.NameNotFound {
				limit = 300 * time.Millisecond
			}
			f := refusal(t, messages.MQTT5, config(c.server, func(to *mqtt.Config) { to.TLS, to.Timeout = c.tls, limit }))
			if f.Detail != c.want || !strings.Contains(f.Error(), c.words) || strings.Contains(f.Error(), "secret") {
				t.Errorf("%q: %v, want %q and %q", f.Detail, f, c.want, c.words)
			}
		})
	}
}

// TestTextFrameAtOnce: a broker that answers CONNECT with text is not waited for.
func TestTextFrameAtOnce(t *testing.T) {
	t.Parallel()
	server := websockets(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		_, from, err := c.NextReader()
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, from)
		_ = c.WriteMessage(websocket.TextMessage, []byte("hello"))
		_, _, _ = c.ReadMessage()
	})
	for _, v := range versions {
		if f := refusal(t, v, config(server, func(to *mqtt.Config) { to.Timeout = 30 * time.Second })); f.Detail != messages.NotMQTT {
			t.Errorf("MQTT %s: %v", v, f)
		}
	}
}

// TestPassedOverIsLogged: why a server of a list is not used, once, though the next one is.
func TestPassedOverIsLogged(t *testing.T) {
	t.Parallel()
	broker := kit.Mosquitto(t)
	log := &probe.Log{}
	c := config(&url.URL{Scheme: "mqtt", Host: "127.0.0.1:1"}, func(c *mqtt.Config) { c.Logger = slog.New(log) })
	c.Servers = append(c.Servers, broker.URL())
	d := mqtt.NewDialer(c)
	for range 3 {
		s, err := d.Dial(t.Context(), messages.MQTT5, conform.NewSink(nil))
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	if n := log.Count("connection refused"); n != 1 || log.Count("trying the next one") != 1 {
		t.Errorf("it is said %d times: %q", n, log.Lines())
	}
}
