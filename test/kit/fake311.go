package kit

import (
	"bufio"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Fake311 stands before a broker that speaks only MQTT 3.1.1 and shows how such
// brokers meet a version 5 CONNECT.
type Fake311 struct {
	listener net.Listener
	backing  string
	answer   []byte
	conns    sync.Map // net.Conn -> nothing
	work     sync.WaitGroup
}

// Closing starts a 3.1.1 broker that closes the connection at a version 5
// CONNECT without a byte.
func Closing(t testing.TB) *Fake311 { return fake311(t, nil) }

// Refusing starts a 3.1.1 broker that answers a version 5 CONNECT with its own
// CONNACK, "unacceptable protocol version".
func Refusing(t testing.TB) *Fake311 { return fake311(t, []byte{0x20, 0x02, 0x00, 0x01}) }

func fake311(t testing.TB, answer []byte) *Fake311 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	f := &Fake311{listener: l, backing: Mochi(t, false).Addr(), answer: answer}
	f.work.Go(f.accept)
	t.Cleanup(func() {
		l.Close()
		f.conns.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
		f.work.Wait()
	})
	return f
}

// Addr is "127.0.0.1:port".
func (f *Fake311) Addr() string { return f.listener.Addr().String() }

// URL is mqtt://127.0.0.1:port.
func (f *Fake311) URL() *url.URL { return &url.URL{Scheme: "mqtt", Host: f.Addr()} }

func (f *Fake311) accept() {
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.conns.Store(c, nil)
		f.work.Go(func() { f.serve(c) })
	}
}

func (f *Fake311) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	if level, err := protocolLevel(r); err != nil || level > 4 {
		// What is unread must be read, or closing would reset the connection.
		_, _ = r.Discard(r.Buffered())
		_, _ = c.Write(f.answer)
		return
	}
	server, err := net.Dial("tcp", f.backing)
	if err != nil {
		return
	}
	defer server.Close()
	f.conns.Store(server, nil)
	f.work.Go(func() {
		_, _ = io.Copy(c, server)
		c.Close()
	})
	_, _ = io.Copy(server, r)
}

// protocolLevel looks at the seventh byte of a CONNECT's variable header
// [MQTT-3.1.2-2] without taking anything from the reader.
func protocolLevel(r *bufio.Reader) (byte, error) {
	for lengthBytes := 1; ; lengthBytes++ {
		b, err := r.Peek(1 + lengthBytes)
		if err != nil {
			return 0, err
		}
		if b[lengthBytes] < 0x80 {
			b, err = r.Peek(1 + lengthBytes + 7)
			if err != nil {
				return 0, err
			}
			return b[len(b)-1], nil
		}
	}
}
