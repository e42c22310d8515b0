package mqtt

import (
	"bytes"
	"cmp"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// roomLimit is how many unsent bytes make a publisher wait. Other packets
	// never wait: their number is bounded by what the broker sent.
	roomLimit = 256 << 10
	// gatherLimit is how many bytes are written though others are about to follow.
	gatherLimit = 32 << 10
	// keptBuffer is the largest buffer that is kept for reuse.
	keptBuffer = 1 << 20
)

var errClosed = errors.New("the connection is closed")

// stream is a network connection with writes that never wait: packets are
// gathered in a buffer and one goroutine sends what is there, so that packets
// which come at the same time leave in one write.
type stream struct {
	network      net.Conn
	writeTimeout time.Duration

	reading sync.Mutex // held while a packet is awaited
	frames  *frameReader

	lastRead, lastWrite atomic.Int64 // UnixNano
	paused              atomic.Bool  // nobody reads
	resumed             atomic.Int64 // UnixNano, when somebody did again

	pinged atomic.Int64        // UnixNano, of the oldest PINGREQ without an answer; 0: there is none
	onPong func(time.Time)     // gets the time of the PINGREQ that was answered; may be nil
	onTrip func(time.Duration) // gets how long the answer took; may be nil

	mu      sync.Mutex
	out     bytes.Buffer
	spare   bytes.Buffer
	queued  uint64        // bytes ever put into out
	flushed uint64        // bytes ever written to the network
	cause   error         // why it was closed
	broken  error         // why nothing can be written any more
	room    chan struct{} // closed after the next write; nil: nobody waits
	gathers bool          // others are about to follow what is in out

	wake    chan struct{}
	failing chan struct{} // closed when nothing can be written any more
	done    chan struct{} // closed with the connection
	once    sync.Once
	parted  <-chan struct{} // set by part; closed when nothing is left of the connection
}

// newStream makes a stream that owns the connection. Its run must be started.
func newStream(network net.Conn, writeTimeout time.Duration) *stream {
	s := &stream{
		network:      network,
		writeTimeout: writeTimeout,
		wake:         make(chan struct{}, 1),
		failing:      make(chan struct{}),
		done:         make(chan struct{}),
	}
	now := time.Now().UnixNano()
	s.lastRead.Store(now)
	s.lastWrite.Store(now)
	s.frames = newFrameReader(readerFunc(func(b []byte) (int, error) {
		n, err := network.Read(b)
		if n > 0 {
			s.lastRead.Store(time.Now().UnixNano())
		}
		return n, err
	}))
	return s
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// send queues what encode writes, which is one packet or more.
func (s *stream) send(encode func(*bytes.Buffer) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failed(); err != nil {
		return err
	}
	before := s.out.Len()
	if err := encode(&s.out); err != nil {
		s.out.Truncate(before)
		return err
	}
	s.queued += uint64(s.out.Len() - before)
	s.wakeWriter()
	return nil
}

// wakeWriter makes run write what is in out, unless more is about to follow. It is called with mu
// held.
func (s *stream) wakeWriter() {
	if !s.gathers || s.out.Len() >= gatherLimit {
		signal(s.wake)
	}
}

// gather says whether more is about to follow. gather(true) needs a gather(false) after it.
func (s *stream) gather(more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gathers = more; s.out.Len() > 0 {
		s.wakeWriter()
	}
}

// failed is why nothing can be sent any more. It is called with mu held.
func (s *stream) failed() error { return cmp.Or(s.cause, s.broken) }

// position returns the value of flushed at which everything queued so far is written, or why that
// can't happen.
func (s *stream) position() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queued, s.failed()
}

// write queues encoded packets.
func (s *stream) write(b []byte) error {
	return s.send(func(w *bytes.Buffer) error {
		_, err := w.Write(b)
		return err
	})
}

// nextFrame returns the next packet, as frameReader.next does, or an error once the connection is
// closed.
func (s *stream) nextFrame() (frame, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	select {
	case <-s.done:
		return frame{}, errClosed
	default:
		return s.frames.next()
	}
}

// firstBytes are the first bytes that the peer sent.
func (s *stream) firstBytes() []byte {
	s.reading.Lock()
	defer s.reading.Unlock()
	return s.frames.first
}

// close ends the connection at once, whatever is queued. The first cause stays.
func (s *stream) close(cause error) {
	s.once.Do(func() {
		s.finish(cause)
		abort(s.network)
	})
}

func (s *stream) finish(cause error) {
	s.mu.Lock()
	s.cause = cause
	s.mu.Unlock()
	close(s.done)
}

// lastWords is how long reading goes on after writing has failed: the peer may say why, by a TLS
// alert or a DISCONNECT.
const lastWords = 200 * time.Millisecond

// breakOff ends the writing, and in a moment the reading.
func (s *stream) breakOff(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
	close(s.failing)
	_ = s.network.SetReadDeadline(time.Now().Add(lastWords))
}

// why returns the cause given to close, if it explains anything, else why writing failed, if reading
// has only ended, else err.
func (s *stream) why(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil && !errors.Is(s.cause, errClosed) {
		return s.cause
	}
	if s.broken != nil && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errClosed) || isHangup(err)) {
		return s.broken
	}
	return err
}

// abort closes the innermost connection: closing a TLS connection would wait
// up to 5 seconds to say goodbye.
func abort(c net.Conn) { _ = innermost(c).Close() }

func innermost(c net.Conn) net.Conn {
	for {
		outer, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = outer.NetConn()
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
