package mqtt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"chanmqttproxy/messages"
)

var (
	errQoS3         = errors.New("the broker sent a PUBLISH of QoS 3")       // [MQTT-3.3.1-4]
	errEarlyPublish = errors.New("the broker sent a PUBLISH before CONNACK") // [MQTT-3.2.0-1]
)

// conn5 is the connection as a paho.Client wants it: a net.Conn that is also a
// sync.Locker, locked around each packet written. A write never fails: on a
// dying connection it goes nowhere, and the reader tells why; else the library
// would hang up before the broker's last words were read.
//
// It passes whole packets on to the library, and only those that a broker may
// send. PUBLISH it does not pass on: the library would queue messages between
// its reader, which handles PUBREL at once, and their receiver, keep the last of
// several subscription identifiers [MQTT-3.3.4-4], and could not be kept from
// reading on.
type conn5 struct {
	net.Conn
	conn     *conn
	user     userLimit
	rest     []byte       // of the present packet
	received func(packet) // takes each PUBLISH; nil before CONNACK
	leaving  atomic.Bool  // Close waits for the broker to hang up
}

var _ sync.Locker = (*conn5)(nil)

func newConn5(c *conn, user userLimit) *conn5 {
	return &conn5{Conn: c.network, conn: c, user: user}
}

func (c *conn5) Read(b []byte) (int, error) {
	for len(c.rest) == 0 {
		f, err := c.conn.nextFrame()
		if err == nil {
			c.rest, err = c.examine(f)
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// examine returns what the library is to see of a packet.
func (c *conn5) examine(f frame) ([]byte, error) {
	switch kind := f.kind(); kind {
	case typePublish:
		if c.received == nil {
			return nil, errEarlyPublish
		}
		p, err := decodePublish(f, messages.MQTT5, c.user)
		if err != nil {
			return nil, fmt.Errorf("reading a PUBLISH: %w", err)
		}
		c.received(p)
		return nil, nil
	case typeDisconnect:
		if len(f.bytes) == 2 { // the library wants the reason that may be left out (section 3.14.2.1)
			return []byte{typeDisconnect << 4, 1, 0}, nil
		}
		return f.bytes, nil
	case typeConnack, typePuback, typePubrec, typePubrel, typePubcomp, typeSuback, typeUnsuback, typePingresp:
		return f.bytes, nil
	default:
		return nil, fmt.Errorf("the broker sent a packet of type %d", kind)
	}
}

// Lock begins a packet.
func (c *conn5) Lock() { c.conn.mu.Lock() }

// Unlock ends a packet.
func (c *conn5) Unlock() {
	c.conn.wakeWriter()
	c.conn.mu.Unlock()
}

// Write queues a part of a packet, between Lock and Unlock.
func (c *conn5) Write(b []byte) (int, error) {
	if c.conn.failed() == nil {
		c.conn.out.Write(b)
		c.conn.queued += uint64(len(b))
	}
	return len(b), nil
}

// Close ends the connection. Where the client is leaving, the DISCONNECT before
// it is sent, and the broker is given the chance to hang up: closing a socket
// with unread data would reset the connection, the DISCONNECT might be lost, and
// the broker would publish the will.
func (c *conn5) Close() error {
	if c.leaving.Load() {
		c.goodbye()
	}
	c.conn.close(errClosed)
	return nil
}

func (c *conn5) goodbye() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout/2)
	defer cancel()
	if c.conn.drain(ctx) != nil {
		return
	}
	_ = c.conn.network.SetReadDeadline(time.Now().Add(closeTimeout / 2))
	c.conn.reading.Lock()
	defer c.conn.reading.Unlock()
	c.conn.frames.frame = bytes.Buffer{} // the reader may still look at the old one
	for {
		if _, err := c.conn.frames.next(); err != nil {
			return
		}
	}
}
