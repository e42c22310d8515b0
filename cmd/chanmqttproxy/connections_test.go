package main_test

import (
	"bufio"
	"io"
	"net"
	"sync"
	"testing"
)

// peer listens, gives each connection to handle and returns its address. The
// connections are closed when the test ends.
func peer(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &connections{}
	p.work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.add(conn)
			p.work.Go(func() { handle(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.close()
		p.work.Wait()
	})
	return l.Addr().String()
}

type connections struct {
	work sync.WaitGroup
	mu   sync.Mutex
	open []net.Conn
	over bool
}

func (p *connections) add(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		conn.Close()
	}
	p.open = append(p.open, conn)
}

func (p *connections) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	for _, conn := range p.open {
		conn.Close()
	}
}

// silent never says a word; met is closed when somebody has connected.
func silent(t *testing.T) (addr string, met <-chan struct{}) {
	t.Helper()
	first, once := make(chan struct{}), sync.Once{}
	addr = peer(t, func(net.Conn) { once.Do(func() { close(first) }) })
	return addr, first
}

// stuck is a broker of MQTT 3.1.1 that lets everybody in and acknowledges
// nothing; met is closed when somebody has published.
func stuck(t *testing.T) (addr string, met <-chan struct{}) {
	t.Helper()
	first, once := make(chan struct{}), sync.Once{}
	addr = peer(t, func(conn net.Conn) {
		packets := bufio.NewReader(conn)
		for {
			kind, err := packets.ReadByte()
			if err != nil {
				return
			}
			switch kind >> 4 {
			case 1: // CONNECT
				conn.Write([]byte("\x20\x02\x00\x00"))
			case 3: // PUBLISH
				once.Do(func() { close(first) })
			}
			// The packets of these tests are short: one byte of length.
			length, _ := packets.ReadByte()
			io.CopyN(io.Discard, packets, int64(length))
		}
	})
	return addr, first
}
