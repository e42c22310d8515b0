package mqtt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"chanmqttproxy/messages"
)

// errEnded is why a connection is over after the broker's DISCONNECT.
var errEnded = errors.New("the broker ended the connection")

// engine speaks one version on one connection. It reads what the broker sends, and passes it to the
// Conn.
type engine struct {
	codec
	conn     *Conn
	stream   *stream
	requests requests
	reading  chan struct{} // closed when the reader has ended
}

// connectOptions is what CONNECT says.
type connectOptions struct {
	config   Config
	clientID string
}

func newEngine(codec codec, c *Conn) *engine {
	return &engine{codec: codec, conn: c, stream: c.stream, reading: make(chan struct{})}
}

// connect sends CONNECT, and returns the CONNACK. If that accepts the connection, connect calls accept
// before it reads on.
func (e *engine) connect(h connectOptions, accept func(packet)) (packet, error) {
	if err := e.stream.send(func(w *bytes.Buffer) error { return e.writeConnect(w, h) }); err != nil {
		return packet{}, err
	}
	p, err := e.next()
	if err == nil && p.kind != typeConnack { // [MQTT-3.2.0-1]
		err = fmt.Errorf("the broker answered CONNECT with a packet of type %d", p.kind)
	}
	if err != nil || p.code != 0 {
		return p, err
	}
	accept(p)
	interval := time.Duration(e.conn.info.KeepAlive) * time.Second
	e.conn.work.Go(e.read)
	e.conn.work.Go(func() { e.stream.keepAlive(interval) })
	return p, nil
}

// next reads one packet.
func (e *engine) next() (packet, error) {
	f, err := e.stream.nextFrame()
	if err != nil {
		return packet{}, fmt.Errorf("reading: %w", err)
	}
	p, err := e.decode(f)
	if err != nil {
		return packet{}, fmt.Errorf("reading a packet of type %d: %w", f.kind(), err)
	}
	return p, nil
}

// read handles packets until the connection ends.
func (e *engine) read() {
	defer close(e.reading)
	for {
		p, err := e.next()
		if err == nil {
			err = e.handle(p)
		}
		if err != nil {
			e.requests.close()
			e.conn.lost(err)
			return
		}
	}
}

func (e *engine) handle(p packet) error {
	switch p.kind {
	case typePublish:
		e.conn.received(p)
	case typePuback, typePubrec, typePubcomp:
		e.conn.acknowledged(p)
	case typePubrel:
		e.conn.pubrel(p.id)
	case typeSuback, typeUnsuback:
		e.requests.answer(p.id, p)
	case typePingresp:
		e.stream.ponged()
	case typeDisconnect:
		e.conn.disconnected(p)
		return errEnded
	default:
		return unexpectedType(p.kind)
	}
	return nil
}

// publish queues a PUBLISH. It never waits, and calls must not overlap. The reader reports the loss of
// the connection.
func (e *engine) publish(id uint16, dup bool, m *messages.Message) {
	_ = e.stream.send(func(w *bytes.Buffer) error { return e.writePublish(w, id, dup, m) })
}

// subscribe sends one SUBSCRIBE and waits for the codes of its SUBACK. An identifier of 0
// is none.
func (e *engine) subscribe(ctx context.Context, filters []messages.Desired, identifier uint32) ([]byte, error) {
	p, err := e.request(ctx, func(w *bytes.Buffer, id uint16) error { return e.writeSubscribe(w, id, filters, identifier) })
	return p.codes, err
}

// unsubscribe sends one UNSUBSCRIBE and waits for its UNSUBACK.
func (e *engine) unsubscribe(ctx context.Context, filters []string) error {
	_, err := e.request(ctx, func(w *bytes.Buffer, id uint16) error { return e.writeUnsubscribe(w, id, filters) })
	return err
}

// request sends a packet and waits for its answer.
func (e *engine) request(ctx context.Context, encode func(*bytes.Buffer, uint16) error) (packet, error) {
	answer := make(chan packet, 1)
	id, ok := e.requests.open(answer)
	if !ok {
		return packet{}, e.stream.why(errClosed)
	}
	if err := e.stream.send(func(w *bytes.Buffer) error { return encode(w, id) }); err != nil {
		return packet{}, err
	}
	select {
	case p := <-answer:
		if p.kind == 0 {
			return packet{}, e.stream.why(errClosed)
		}
		return p, nil
	case <-ctx.Done():
		return packet{}, ctx.Err()
	}
}

// disconnect sends DISCONNECT, if the connection still lives, and waits for the broker to hang up, for
// closeTimeout at most. Closing a socket with unread data would reset the connection: the DISCONNECT
// might be lost, and the broker would publish the will.
func (e *engine) disconnect() {
	defer e.stream.close(errClosed)
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout/2)
	defer cancel()
	if e.stream.write([]byte{typeDisconnect << 4, 0}) != nil || e.stream.drain(ctx) != nil {
		return
	}
	select {
	case <-e.reading:
	case <-time.After(closeTimeout / 2):
	}
}
