package mqtt

import (
	"errors"
	"io"
	"net"

	"github.com/gorilla/websocket"
)

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
				return 0, errors.New("the broker sent a WebSocket message that is not binary") // [MQTT-6.0.0-1]
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
