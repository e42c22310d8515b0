package kit

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy passes TCP connections on to a server and can break them, where what was
// on its way is lost, or hold up what goes to the server.
type Proxy struct {
	t        testing.TB
	listener net.Listener
	target   string
	open     atomic.Bool
	left     atomic.Int64 // bytes until the next cut; negative: none is planned
	rate     atomic.Int64 // bytes a second; 0: as many as there are

	mu    sync.Mutex
	free  time.Time // when what was let through has passed, at that rate
	pairs map[net.Conn]net.Conn
	held  map[net.Conn]chan struct{} // by server: what goes there waits for that
	work  sync.WaitGroup
}

// NewProxy starts a proxy for the server at "host:port". It is gone when the
// test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	p := &Proxy{t: t, listener: l, target: target, pairs: map[net.Conn]net.Conn{}, held: map[net.Conn]chan struct{}{}}
	p.open.Store(true)
	p.left.Store(-1)
	p.work.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.Release()
		p.Cut()
		p.work.Wait()
	})
	return p
}

// Addr is "127.0.0.1:port".
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL is mqtt://127.0.0.1:port.
func (p *Proxy) URL() *url.URL { return &url.URL{Scheme: "mqtt", Host: p.Addr()} }

// Cut breaks all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for a, b := range p.pairs {
		a.Close()
		b.Close()
	}
	clear(p.pairs)
}

// CutAfter breaks all connections when so many more bytes have passed, in
// whatever direction; within a packet, as likely as not.
func (p *Proxy) CutAfter(bytes int) { p.left.Store(int64(bytes)) }

// Refuse makes the proxy break every connection at once, or take them again.
func (p *Proxy) Refuse(refuse bool) {
	p.open.Store(!refuse)
	if refuse {
		p.Cut()
	}
}

// Hold keeps what goes to the server on the connections that are open now, also
// where their clients close them, until Release. New connections pass.
func (p *Proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, server := range p.pairs {
		if p.held[server] == nil {
			p.held[server] = make(chan struct{})
		}
	}
}

// Release lets through what Hold kept.
func (p *Proxy) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, held := range p.held {
		close(held)
	}
	clear(p.held)
}

// Limit has all connections together pass so many bytes a second; 0: any number.
func (p *Proxy) Limit(bytesPerSecond int) { p.rate.Store(int64(bytesPerSecond)) }

// pace waits until so many bytes may pass.
func (p *Proxy) pace(bytes int) {
	rate := p.rate.Load()
	if rate == 0 {
		return
	}
	p.mu.Lock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(int64(bytes) * int64(time.Second) / rate))
	wait := p.free.Sub(now)
	p.mu.Unlock()
	time.Sleep(wait)
}

// wait waits where what goes to an end is held.
func (p *Proxy) wait(to net.Conn) {
	p.mu.Lock()
	held := p.held[to]
	p.mu.Unlock()
	if held != nil {
		<-held
	}
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil || !p.open.Load() {
			c.Close()
			if err == nil {
				server.Close()
			}
			continue
		}
		p.mu.Lock()
		p.pairs[c] = server
		p.mu.Unlock()
		p.work.Go(func() { p.pass(c, server) })
		p.work.Go(func() { p.pass(server, c) })
	}
}

func (p *Proxy) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	_, _ = io.Copy(meter{to, p}, from)
}

// meter counts the bytes to the next cut and lets none through beyond it.
type meter struct {
	net.Conn
	proxy *Proxy
}

func (m meter) Write(b []byte) (int, error) {
	m.proxy.wait(m.Conn)
	m.proxy.pace(len(b))
	if m.proxy.left.Load() < 0 {
		return m.Conn.Write(b)
	}
	left := m.proxy.left.Add(-int64(len(b)))
	if left >= 0 {
		return m.Conn.Write(b)
	}
	passed := max(0, int64(len(b))+left)
	_, _ = m.Conn.Write(b[:passed])
	m.proxy.left.Store(-1)
	m.proxy.Cut()
	return int(passed), io.ErrClosedPipe
}
