package mqtt

import (
	"bytes"
	"context"
	"io"
	"net"
	"time"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.golang/packets"
)

// stream is a connection that is only read.
type stream struct {
	net.Conn
	io.Reader
}

func (s stream) Read(b []byte) (int, error) { return s.Reader.Read(b) }

// ReadFrames cuts a stream into packets and decodes them, as a Session does,
// until one is wrong.
func ReadFrames(v messages.Version, b []byte) (all []*messages.Message, identifiers [][]uint32) {
	next := reader(v, newConn(stream{Reader: bytes.NewReader(b)}, 0), func(p packet) {
		all, identifiers = append(all, p.message), append(identifiers, p.identifiers)
	})
	for next() == nil {
	}
	return all, identifiers
}

func reader(v messages.Version, c *conn, received func(packet)) func() error {
	if v == messages.MQTT311 {
		e := &v311{conn: c}
		return func() error {
			p, err := e.next()
			if p.message != nil {
				received(p)
			}
			return err
		}
	}
	c5 := newConn5(c)
	c5.received = received
	return func() error {
		_, err := packets.ReadPacket(c5)
		return err
	}
}

// EncodePublish is one PUBLISH packet.
func EncodePublish(v messages.Version, id uint16, m *messages.Message) []byte {
	var b bytes.Buffer
	if v == messages.MQTT311 {
		_ = publish311(&b, id, false, m)
		return b.Bytes()
	}
	p := publish5(m).Packet()
	p.PacketID = id
	_, _ = p.WriteTo(&b)
	return b.Bytes()
}

// Over has a Dialer make its connections with dial.
func (c Config) Over(dial func(ctx context.Context, network, address string) (net.Conn, error)) Config {
	c.network = dial
	return c
}

// Line is a connection alone, with its keep-alive.
type Line struct{ conn *conn }

// NewLine starts the keep-alive on a connection on which everything is read,
// unless paused.
func NewLine(network net.Conn, interval time.Duration) *Line {
	return NewMeasuredLine(network, interval, nil)
}

// NewMeasuredLine does the same, and has the round trips told.
func NewMeasuredLine(network net.Conn, interval time.Duration, trip func(time.Duration)) *Line {
	l := &Line{newConn(network, writeTimeout)}
	l.conn.onTrip = trip
	go l.conn.run(func(uint64) {})
	go l.conn.keepAlive(interval)
	return l
}

// Read reads packets until the connection ends.
func (l *Line) Read() {
	for {
		frame, err := l.conn.nextFrame()
		if err != nil {
			return
		}
		if frame[0]>>4 == typePingresp {
			l.conn.ponged()
		}
	}
}

// Write sends a packet.
func (l *Line) Write(b []byte) error { return l.conn.write(b) }

// Gather says whether more is about to follow.
func (l *Line) Gather(more bool) { l.conn.gather(more) }

// Drain waits until everything was written.
func (l *Line) Drain(ctx context.Context) error { return l.conn.drain(ctx) }

// Pause is what a reader says that stops, Resume what it says that goes on.
func (l *Line) Pause()  { l.conn.pause() }
func (l *Line) Resume() { l.conn.resume() }

// Patient is the context of a question.
func (l *Line) Patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return l.conn.patient(ctx)
}

// Over is closed with the connection.
func (l *Line) Over() <-chan struct{} { return l.conn.done }

// Failing is closed when nothing can be written any more.
func (l *Line) Failing() <-chan struct{} { return l.conn.failing }

// Close ends it.
func (l *Line) Close() { l.conn.close(errClosed) }
