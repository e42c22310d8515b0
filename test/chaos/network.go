package chaos

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Network stands between two programs as a bad network does. All its settings
// may change at any time.
type Network struct {
	listener net.Listener
	target   string
	latency  atomic.Int64 // nanoseconds, each way
	resets   atomic.Int64 // of a million chunks
	cut      atomic.Bool
	work     sync.WaitGroup

	mu    sync.Mutex
	pipes map[*pipe]bool
}

// pipe is one connection with its two ends.
type pipe struct {
	ends [2]net.Conn
	dead atomic.Bool // nothing passes, and nobody is told
}

// NewNetwork starts one that leads to an address and is as good as none.
func NewNetwork(t testing.TB, target string) *Network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	n := &Network{listener: l, target: target, pipes: map[*pipe]bool{}}
	n.work.Go(n.accept)
	t.Cleanup(func() {
		l.Close()
		n.Reset()
		n.work.Wait()
	})
	return n
}

// Addr is "127.0.0.1:port".
func (n *Network) Addr() string { return n.listener.Addr().String() }

// Latency delays everything that is sent from now on, each way.
func (n *Network) Latency(d time.Duration) { n.latency.Store(int64(d)) }

// Resets breaks the connection at this share (0 to 1) of what passes, a chunk
// at a time.
func (n *Network) Resets(share float64) { n.resets.Store(int64(share * 1e6)) }

// Reset breaks all connections.
func (n *Network) Reset() { n.each((*pipe).reset) }

// Lose makes all present connections lead nowhere for good: what is sent is
// swallowed, and neither end is told. New connections work.
func (n *Network) Lose() { n.each(func(p *pipe) { p.dead.Store(true) }) }

// Cut makes present connections and new ones lead nowhere; neither end is told.
func (n *Network) Cut() {
	n.cut.Store(true)
	n.Lose()
}

// Mend has new connections work again.
func (n *Network) Mend() { n.cut.Store(false) }

func (n *Network) each(do func(*pipe)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for p := range n.pipes {
		do(p)
	}
}

func (p *pipe) reset() {
	for _, end := range p.ends {
		_ = end.(*net.TCPConn).SetLinger(0) // a reset, not an orderly end
		end.Close()
	}
}

func (n *Network) accept() {
	for {
		from, err := n.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", n.target)
		if err != nil {
			from.Close()
			continue
		}
		p := &pipe{ends: [2]net.Conn{from, to}}
		n.mu.Lock()
		p.dead.Store(n.cut.Load())
		n.pipes[p] = true
		n.mu.Unlock()
		n.work.Go(func() { n.carry(p) })
	}
}

// carry passes both ways until an end is closed.
func (n *Network) carry(p *pipe) {
	var ways sync.WaitGroup
	ways.Go(func() { n.pass(p, p.ends[0], p.ends[1]) })
	ways.Go(func() { n.pass(p, p.ends[1], p.ends[0]) })
	ways.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.pipes, p)
}

// chunk is what was read at once, and when it is due.
type chunk struct {
	bytes []byte
	due   time.Time
}

func (n *Network) pass(p *pipe, from, to net.Conn) {
	chunks := make(chan chunk, 1024)
	n.work.Go(func() { n.deliver(p, to, chunks) })
	defer close(chunks)
	for {
		buffer := make([]byte, 16<<10)
		size, err := from.Read(buffer)
		if size > 0 {
			chunks <- chunk{buffer[:size], time.Now().Add(time.Duration(n.latency.Load()))}
		}
		if err != nil {
			return
		}
	}
}

// deliver writes what is due. It closes its end when the other one was closed.
func (n *Network) deliver(p *pipe, to net.Conn, chunks <-chan chunk) {
	for c := range chunks {
		time.Sleep(time.Until(c.due))
		switch {
		case p.dead.Load():
		case rand.Int64N(1e6) < n.resets.Load():
			p.reset()
		default:
			if _, err := to.Write(c.bytes); err != nil {
				p.reset()
			}
		}
	}
	if !p.dead.Load() {
		to.Close()
	}
}
