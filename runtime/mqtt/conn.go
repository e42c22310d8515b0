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

// conn is a network connection with writes that never wait: packets are
// gathered in a buffer and one goroutine sends what is there, so that packets
// which come at the same time leave in one write.
type conn struct {
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

// newConn makes a conn that owns the connection. Its run must be started.
func newConn(network net.Conn, writeTimeout time.Duration) *conn {
	c := &conn{
		network:      network,
		writeTimeout: writeTimeout,
		wake:         make(chan struct{}, 1),
		failing:      make(chan struct{}),
		done:         make(chan struct{}),
	}
	now := time.Now().UnixNano()
	c.lastRead.Store(now)
	c.lastWrite.Store(now)
	c.frames = newFrameReader(readerFunc(func(b []byte) (int, error) {
		n, err := network.Read(b)
		if n > 0 {
			c.lastRead.Store(time.Now().UnixNano())
		}
		return n, err
	}))
	return c
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// send queues what encode writes, which is one packet or more.
func (c *conn) send(encode func(*bytes.Buffer) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.failed(); err != nil {
		return err
	}
	before := c.out.Len()
	if err := encode(&c.out); err != nil {
		c.out.Truncate(before)
		return err
	}
	c.queued += uint64(c.out.Len() - before)
	c.wakeWriter()
	return nil
}

// wakeWriter makes run write what is in out, unless more is about to follow. It is called with mu
// held.
func (c *conn) wakeWriter() {
	if !c.gathers || c.out.Len() >= gatherLimit {
		signal(c.wake)
	}
}

// gather says whether more is about to follow. gather(true) needs a gather(false) after it.
func (c *conn) gather(more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gathers = more; c.out.Len() > 0 {
		c.wakeWriter()
	}
}

// failed is why nothing can be sent any more. It is called with mu held.
func (c *conn) failed() error { return cmp.Or(c.cause, c.broken) }

// position returns the value of flushed at which everything queued so far is written, or why that
// can't happen.
func (c *conn) position() (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued, c.failed()
}

// write queues encoded packets.
func (c *conn) write(b []byte) error {
	return c.send(func(w *bytes.Buffer) error {
		_, err := w.Write(b)
		return err
	})
}

// nextFrame returns the next packet, as frameReader.next does, or an error once the connection is
// closed.
func (c *conn) nextFrame() (frame, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	select {
	case <-c.done:
		return frame{}, errClosed
	default:
		return c.frames.next()
	}
}

// firstBytes are the first bytes that the peer sent.
func (c *conn) firstBytes() []byte {
	c.reading.Lock()
	defer c.reading.Unlock()
	return c.frames.first
}

// close ends the connection at once, whatever is queued. The first cause stays.
func (c *conn) close(cause error) {
	c.once.Do(func() {
		c.finish(cause)
		abort(c.network)
	})
}

func (c *conn) finish(cause error) {
	c.mu.Lock()
	c.cause = cause
	c.mu.Unlock()
	close(c.done)
}

// lastWords is how long reading goes on after writing has failed: the peer may say why, by a TLS
// alert or a DISCONNECT.
const lastWords = 200 * time.Millisecond

// breakOff ends the writing, and in a moment the reading.
func (c *conn) breakOff(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = err
	close(c.failing)
	_ = c.network.SetReadDeadline(time.Now().Add(lastWords))
}

// why returns the cause given to close, if it explains anything, else why writing failed, if reading
// has only ended, else err.
func (c *conn) why(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil && !errors.Is(c.cause, errClosed) {
		return c.cause
	}
	if c.broken != nil && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errClosed) || isHangup(err)) {
		return c.broken
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
