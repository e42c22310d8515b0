package mqtt

import (
	"context"
	"fmt"
	"sync"
	"time"

	"chanmqttproxy/messages"
)

// Sink hears what a Session has to tell. Its methods must neither block nor
// call the Session's; they may call Dialer.Ack. Only one of them is called at a
// time.
type Sink interface {
	// Received is called for every message in the order of arrival; the message
	// is the Sink's own. seq counts from 1 through all Sessions of one Dialer.
	// What the broker repeats on a new connection is not told again as long as
	// its first delivery is not acknowledged. After Dialer.Forget it is.
	Received(seq uint64, identifiers []uint32, m *messages.Message)
	// Published is called as Session.Publish says.
	Published(p messages.Published)
	// Lost is called once, as the last, when the connection ends other than by
	// Close. The error is a *messages.SessionFailure.
	Lost(err error)
}

// closeTimeout bounds Close: half of it to send what is queued, half to let
// the broker hang up.
const closeTimeout = 800 * time.Millisecond

// Session is one live connection. Its methods may be called from any goroutine.
type Session struct {
	conn   *conn
	proto  protocol
	sink   Sink
	state  *state
	info   messages.SessionInfo
	limits limits

	inbound  inbound
	outbound *outbound
	requests requests

	telling sync.Mutex // held while the Sink is told
	ended   bool

	closing sync.Once
	work    sync.WaitGroup
	reading chan struct{} // closed when the reader has ended
}

// Info is what the broker said when it accepted the connection.
func (s *Session) Info() messages.SessionInfo { return s.info }

// start lets the session run. release are packet ids that the broker is to
// release before anything else is sent.
func (s *Session) start(release []uint16) {
	var packets []byte
	for _, id := range release {
		packets = append(packets, acknowledgement(typePubrel, id)...)
	}
	s.answer(packets)
	s.work.Go(s.read)
	s.work.Go(func() { s.conn.keepAlive(time.Duration(s.info.KeepAlive) * time.Second) })
}

// read handles packets until the connection ends.
func (s *Session) read() {
	defer close(s.reading)
	for {
		p, err := s.next()
		if err != nil {
			s.lost(err)
			return
		}
		if p.kind == typeDisconnect && s.proto.version() == messages.MQTT5 {
			s.end(disconnected(s.doing(), p))
			return
		}
		if err := s.handle(p); err != nil {
			s.lost(err)
			return
		}
	}
}

// next reads one packet.
func (s *Session) next() (packet, error) {
	frame, err := s.conn.frames.next()
	if err != nil {
		return packet{}, fmt.Errorf("reading: %w", err)
	}
	p, err := decode(s.proto, frame)
	if err != nil {
		return packet{}, fmt.Errorf("reading a packet of type %d: %w", frame[0]>>4, err)
	}
	return p, nil
}

// decode turns a panic of a codec over a malformed packet into an error: in a
// goroutine of its own it would end the process.
func decode(proto protocol, frame []byte) (p packet, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("malformed packet: %v", r)
		}
	}()
	return proto.decode(frame)
}

func (s *Session) handle(p packet) error {
	switch p.kind {
	case typePublish:
		s.received(p)
	case typePuback, typePubrec, typePubcomp:
		s.acknowledged(p)
	case typePubrel:
		s.pubrel(p)
	case typeSuback, typeUnsuback:
		s.requests.answer(p)
	case typePingresp:
	default:
		return fmt.Errorf("the broker sent a packet of type %d", p.kind)
	}
	return nil
}

// answer queues packets that never wait. An error ends the connection, of which
// the reader will tell.
func (s *Session) answer(packets []byte) { _ = s.conn.write(packets) }

// tell calls the Sink, unless the session is over.
func (s *Session) tell(say func()) {
	s.telling.Lock()
	defer s.telling.Unlock()
	if !s.ended {
		say()
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
	s.end(&messages.SessionFailure{Doing: s.doing(), Cause: messages.Network, Err: s.conn.why(err)})
}

// end closes the connection and tells the Sink, once, that it is lost.
func (s *Session) end(f *messages.SessionFailure) {
	s.conn.close(f)
	if f.Cause == messages.TakenOver {
		s.state.forget()
	}
	s.tell(func() {
		s.ended = true
		s.sink.Lost(f)
	})
}

// Close sends DISCONNECT where the connection still lives and closes it, within
// a second. It may be called twice. The Sink is told nothing any more.
func (s *Session) Close() {
	s.closing.Do(func() {
		s.telling.Lock()
		s.ended = true
		s.telling.Unlock()
		s.sayGoodbye()
		s.conn.close(errClosed)
	})
	s.work.Wait()
}

// sayGoodbye waits for the broker to hang up: closing a socket with unread data
// would reset the connection, the DISCONNECT might be lost, and the broker
// would publish the will.
func (s *Session) sayGoodbye() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout/2)
	defer cancel()
	if s.conn.write(disconnect) != nil || s.conn.drain(ctx) != nil {
		return
	}
	select {
	case <-s.reading:
	case <-time.After(closeTimeout / 2):
	}
}
