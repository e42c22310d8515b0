package mqtt

import (
	"log/slog"
	"sync"
	"time"

	"chanmqttproxy/messages"
)

// Sink has the callbacks of a Conn. They must neither block nor call the Conn; they may call
// Dialer.Ack. Only one of them is called at a time.
type Sink interface {
	// Received is called for every message in the order of arrival; the message
	// is the Sink's own. seq counts from 1 through all Conns of one Dialer.
	// What the broker repeats on a new connection is not passed on again while its first
	// delivery is not acknowledged, unless Dialer.Forget was called. It returns false if the
	// Sink does not take the message, and will not acknowledge it.
	Received(seq uint64, identifiers []uint32, m *messages.Message) bool
	// Published is called as Conn.Publish says.
	Published(p messages.Published)
	// Lost is called once, as the last, when the connection ends other than by
	// Close. The error is a *messages.ConnectionFailure.
	Lost(err error)
}

// closeTimeout bounds Close: half of it to send what is queued, half to let
// the broker hang up.
const closeTimeout = 800 * time.Millisecond

// Conn is one live connection. Its methods may be called from any goroutine.
type Conn struct {
	stream *stream
	engine *engine
	sink   Sink
	state  *state
	info   messages.Connack
	limits limits

	bound    bound
	skipped  *Skipped
	log      *slog.Logger
	inbound  inbound
	copies   *copies // nil under 3.1.1
	sorting  sync.Mutex
	holding  *time.Timer // until it fires, arrivals are held
	outbound *outbound

	calling sync.Mutex // held while the Sink is called
	ended   bool
	muted   chan struct{} // closed by mute

	closing sync.Once
	work    sync.WaitGroup
}

// Info is what the broker said when it accepted the connection.
func (c *Conn) Info() messages.Connack { return c.info }

// answer queues packets that never wait. An error ends the connection, which the reader
// reports.
func (c *Conn) answer(packets []byte) { _ = c.stream.write(packets) }

// callSink calls the Sink, unless the connection is over.
func (c *Conn) callSink(call func()) {
	c.calling.Lock()
	defer c.calling.Unlock()
	if !c.ended {
		call()
	}
}

func (c *Conn) over() bool {
	select {
	case <-c.stream.done:
		return true
	default:
		return false
	}
}

func (c *Conn) doing() string { return "keeping the connection to " + c.info.Broker }

// lost ends the connection because of err, or of what closed the connection.
func (c *Conn) lost(err error) {
	why := c.stream.why(err)
	c.fail(&messages.ConnectionFailure{Doing: c.doing(), Cause: messages.Network, Closed: isHangup(why), Err: why})
}

// disconnected ends the connection after the broker's DISCONNECT.
func (c *Conn) disconnected(p packet) {
	if p.code == messages.ReasonTakenOver {
		c.state.forget()
	}
	c.fail(disconnected(c.doing(), p))
}

// fail closes the connection and reports the loss to the Sink, once.
func (c *Conn) fail(f *messages.ConnectionFailure) {
	c.stream.close(f)
	c.callSink(func() {
		c.ended = true
		c.sink.Lost(f)
	})
}

// Close sends DISCONNECT where the connection still lives and closes it, within
// a second. It may be called twice. The Sink is not called any more.
func (c *Conn) Close() {
	c.closing.Do(func() {
		c.mute()
		c.engine.disconnect()
	})
	c.work.Wait()
	c.stopHolding()
}

// abandon ends a connection that Dial does not return.
func (c *Conn) abandon() {
	c.mute()
	c.stream.close(errClosed)
	c.work.Wait()
	c.stopHolding()
}

// mute stops calling the Sink.
func (c *Conn) mute() {
	c.calling.Lock()
	defer c.calling.Unlock()
	c.ended = true
	close(c.muted)
}
