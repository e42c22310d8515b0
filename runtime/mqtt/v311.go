package mqtt

import (
	"context"
	"fmt"
	"io"
	"time"

	"chanmqttproxy/messages"
)

// v311 speaks MQTT 3.1.1 with the codec of paho.mqtt.golang (v311_codec.go).
type v311 struct {
	session  *Session
	conn     *conn
	requests requests[packet]
	reading  chan struct{} // closed when the reader has ended
}

func newV311(s *Session) *v311 {
	return &v311{session: s, conn: s.conn, reading: make(chan struct{})}
}

func (*v311) version() messages.Version { return messages.MQTT311 }

func (e *v311) connect(_ context.Context, h hello, accept func(packet)) (packet, error) {
	if err := e.conn.send(func(w io.Writer) error { return connect311(w, h) }); err != nil {
		return packet{}, err
	}
	p, err := e.next()
	if err == nil && p.kind != typeConnack {
		err = fmt.Errorf("the broker answered CONNECT with a packet of type %d", p.kind)
	}
	if err != nil || p.code != 0 {
		return p, err
	}
	accept(p)
	interval := time.Duration(e.session.info.KeepAlive) * time.Second
	e.session.work.Go(e.read)
	e.session.work.Go(func() { e.conn.keepAlive(interval) })
	return p, nil
}

// next reads one packet.
func (e *v311) next() (packet, error) {
	f, err := e.conn.nextFrame()
	if err != nil {
		return packet{}, fmt.Errorf("reading: %w", err)
	}
	p, err := decode311(f)
	if err != nil {
		return packet{}, fmt.Errorf("reading a packet of type %d: %w", f.kind(), err)
	}
	return p, nil
}

// read handles packets until the connection ends.
func (e *v311) read() {
	defer close(e.reading)
	for {
		p, err := e.next()
		if err == nil {
			err = e.handle(p)
		}
		if err != nil {
			e.requests.end()
			e.session.lost(err)
			return
		}
	}
}

func (e *v311) handle(p packet) error {
	switch p.kind {
	case typePublish:
		e.session.received(p)
	case typePuback, typePubrec, typePubcomp:
		e.session.acknowledged(p)
	case typePubrel:
		e.session.pubrel(p.id)
	case typeSuback, typeUnsuback:
		e.requests.answer(p.id, p)
	case typePingresp:
		e.conn.ponged()
	default:
		return fmt.Errorf("the broker sent a packet of type %d", p.kind)
	}
	return nil
}

func (e *v311) publish(id uint16, dup bool, m *messages.Message) {
	_ = e.conn.send(func(w io.Writer) error { return publish311(w, id, dup, m) })
}

func (e *v311) subscribe(ctx context.Context, filters []messages.Want, _ uint32) ([]byte, error) {
	p, err := e.ask(ctx, func(w io.Writer, id uint16) error { return subscribe311(w, id, filters) })
	return p.codes, err
}

func (e *v311) unsubscribe(ctx context.Context, filters []string) error {
	_, err := e.ask(ctx, func(w io.Writer, id uint16) error { return unsubscribe311(w, id, filters) })
	return err
}

// ask sends a packet and waits for its answer.
func (e *v311) ask(ctx context.Context, encode func(io.Writer, uint16) error) (packet, error) {
	answer := make(chan packet, 1)
	id, ok := e.requests.open(answer)
	if !ok {
		return packet{}, e.conn.why(errClosed)
	}
	if err := e.conn.send(func(w io.Writer) error { return encode(w, id) }); err != nil {
		return packet{}, err
	}
	select {
	case p := <-answer:
		if p.kind == 0 {
			return packet{}, e.conn.why(errClosed)
		}
		return p, nil
	case <-ctx.Done():
		return packet{}, ctx.Err()
	}
}

// disconnect waits for the broker to hang up: closing a socket with unread data
// would reset the connection, the DISCONNECT might be lost, and the broker
// would publish the will.
func (e *v311) disconnect() {
	defer e.conn.close(errClosed)
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout/2)
	defer cancel()
	if e.conn.write([]byte{typeDisconnect << 4, 0}) != nil || e.conn.drain(ctx) != nil {
		return
	}
	select {
	case <-e.reading:
	case <-time.After(closeTimeout / 2):
	}
}
