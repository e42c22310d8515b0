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
)

// identifiersAhead is for how many PUBLISH packets the reader may know the
// subscription identifiers before the receiver asks for them.
const identifiersAhead = 256

var errQoS3 = errors.New("the broker sent a PUBLISH of QoS 3") // [MQTT-3.3.1-4]

// conn5 is the connection as a paho.Client wants it: a net.Conn that is also a
// sync.Locker, locked around each packet written. A write never fails: on a
// dying connection it goes nowhere, and the reader tells why; else the library
// would hang up before the broker's last words were read.
//
// It passes whole packets on to the reader, and only those that a broker may
// send. Of each PUBLISH it finds the subscription identifiers, all of them
// [MQTT-3.3.4-4]: the library keeps the last.
type conn5 struct {
	net.Conn
	conn        *conn
	rest        []byte // of the present packet
	identifiers chan []uint32
	leaving     atomic.Bool // Close waits for the broker to hang up
}

var _ sync.Locker = (*conn5)(nil)

func newConn5(c *conn) *conn5 {
	return &conn5{Conn: c.network, conn: c, identifiers: make(chan []uint32, identifiersAhead)}
}

func (c *conn5) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		frame, err := c.conn.nextFrame()
		if err == nil {
			err = c.examine(frame)
		}
		if err != nil {
			return 0, err
		}
		c.rest = frame
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// examine looks at a packet before the library does.
func (c *conn5) examine(frame []byte) error {
	switch kind := frame[0] >> 4; kind {
	case typePublish:
		if frame[0]>>1&3 == 3 {
			return errQoS3
		}
		c.identifiers <- subscriptionIdentifiers(frame)
	case typeConnack, typePuback, typePubrec, typePubrel, typePubcomp, typeSuback, typeUnsuback, typePingresp, typeDisconnect:
	default:
		return fmt.Errorf("the broker sent a packet of type %d", kind)
	}
	return nil
}

// Lock begins a packet.
func (c *conn5) Lock() { c.conn.mu.Lock() }

// Unlock ends a packet.
func (c *conn5) Unlock() {
	c.conn.mu.Unlock()
	signal(c.conn.wake)
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
