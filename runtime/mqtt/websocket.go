package mqtt

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/gorilla/websocket"
)

// errNotBinary: MQTT comes in binary messages [MQTT-6.0.0-1].
var errNotBinary = errors.New("the broker sent a WebSocket message that is not binary: does it speak MQTT there?")

// noWebSocket says what a server answered in place of opening a WebSocket.
type noWebSocket struct{ status, location string }

// newNoWebSocket leaves out what may be secret, or long.
func newNoWebSocket(r *http.Response) *noWebSocket {
	n := &noWebSocket{status: r.Status[:min(len(r.Status), 100)]}
	if to, err := r.Location(); err == nil {
		n.location = (&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String()
		n.location = n.location[:min(len(n.location), 200)]
	}
	return n
}

// Error says the answer, and where it leads.
func (n *noWebSocket) Error() string {
	if n.location == "" {
		return fmt.Sprintf("the server answered %q in place of opening a WebSocket", n.status)
	}
	return fmt.Sprintf("the server answered %q, %q, in place of opening a WebSocket", n.status, n.location)
}

// webSocket is a byte stream over binary WebSocket messages, whose bounds mean
// nothing [MQTT-6.0.0-2].
type webSocket struct {
	net.Conn
	ws      *websocket.Conn
	message io.Reader
}

// NetConn is the connection below.
func (w *webSocket) NetConn() net.Conn { return w.Conn }

func (w *webSocket) Read(b []byte) (int, error) {
	for {
		if w.message == nil {
			kind, message, err := w.ws.NextReader()
			if err != nil {
				return 0, streamEnd(err)
			}
			if kind != websocket.BinaryMessage {
				return 0, errNotBinary
			}
			w.message = message
		}
		n, err := w.message.Read(b)
		if err == io.EOF {
			w.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (w *webSocket) Write(b []byte) (int, error) {
	if err := w.ws.WriteMessage(websocket.BinaryMessage, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// streamEnd makes an ordinary close frame the end of the stream.
func streamEnd(err error) error {
	if websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway,
		websocket.CloseNoStatusReceived, websocket.CloseAbnormalClosure) {
		return io.EOF
	}
	return err
}
