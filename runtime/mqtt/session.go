package mqtt

import (
	"log/slog"
	"sync"
	"time"

	"chanmqttproxy/messages"
)

// Sink has the callbacks of a Session. They must neither block nor call the Session; they may call
// Dialer.Ack. Only one of them is called at a time.
type Sink interface {
	// Received is called for every message in the order of arrival; the message
	// is the Sink's own. seq counts from 1 through all Sessions of one Dialer.
	// What the broker repeats on a new connection is not passed on again while its first
	// delivery is not acknowledged, unless Dialer.Forget was called. It returns false if the
	// Sink does not take the message, and will not acknowledge it.
	Received(seq uint64, identifiers []uint32, m *messages.Message) bool
	// Published is called as Session.Publish says.
	Published(p messages.Published)
	// Lost is called once, as the last, when the connection ends other than by
	// Close. The error is a *messages.ConnectionFailure.
	Lost(err error)
}

// closeTimeout bounds Close: half of it to send what is queued, half to let
// the broker hang up.
const closeTimeout = 800 * time.Millisecond

// Session is one live connection. Its methods may be called from any goroutine.
type Session struct {
	conn   *conn
	engine *engine
	sink   Sink
	state  *state
	info   messages.ConnectionInfo
	limits limits

	bound    bound
	refused  *Refused
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
func (s *Session) Info() messages.ConnectionInfo { return s.info }

// answer queues packets that never wait. An error ends the connection, which the reader
// reports.
func (s *Session) answer(packets []byte) { _ = s.conn.write(packets) }

// callSink calls the Sink, unless the session is over.
func (s *Session) callSink(call func()) {
	s.calling.Lock()
	defer s.calling.Unlock()
	if !s.ended {
		call()
	}
}

func (s *Session) over() bool {
	select {
	case <-s.conn.done:
		return true
	default:
		return false
	}
}

func (s *Session) doing() string { return "keeping the session with " + s.info.Broker }

// lost ends the session because of err, or of what closed the connection.
func (s *Session) lost(err error) {
	why := s.conn.why(err)
	s.fail(&messages.ConnectionFailure{Doing: s.doing(), Cause: messages.Network, Closed: isHangup(why), Err: why})
}

// disconnected ends the session after the broker's DISCONNECT.
func (s *Session) disconnected(p packet) {
	if p.code == messages.ReasonTakenOver {
		s.state.forget()
	}
	s.fail(disconnected(s.doing(), p))
}

// fail closes the connection and reports the loss to the Sink, once.
func (s *Session) fail(f *messages.ConnectionFailure) {
	s.conn.close(f)
	s.callSink(func() {
		s.ended = true
		s.sink.Lost(f)
	})
}

// Close sends DISCONNECT where the connection still lives and closes it, within
// a second. It may be called twice. The Sink is not called any more.
func (s *Session) Close() {
	s.closing.Do(func() {
		s.mute()
		s.engine.disconnect()
	})
	s.work.Wait()
	s.stopHolding()
}

// abandon ends a session that Dial does not return.
func (s *Session) abandon() {
	s.mute()
	s.conn.close(errClosed)
	s.work.Wait()
	s.stopHolding()
}

// mute stops calling the Sink.
func (s *Session) mute() {
	s.calling.Lock()
	defer s.calling.Unlock()
	s.ended = true
	close(s.muted)
}
