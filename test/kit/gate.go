package kit

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Gate stands before a broker and decides on each SUBSCRIBE.
type Gate struct {
	listener net.Listener
	target   string
	rule     func(filters []string) Passage
	conns    sync.Map // net.Conn -> nothing
	work     sync.WaitGroup
}

// Passage is what a Gate does with a SUBSCRIBE.
type Passage byte

// A SUBSCRIBE is passed on, the connection is closed on it, or nothing happens.
const (
	Pass Passage = iota
	HangUp
	Swallow
)

// NewGate starts a gate before the broker at "host:port". The rule gets the filters
// of each SUBSCRIBE, and may be called by several goroutines. It is gone when the
// test ends.
func NewGate(t testing.TB, target string, rule func(filters []string) Passage) *Gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	g := &Gate{listener: l, target: target, rule: rule}
	g.work.Go(g.accept)
	t.Cleanup(func() {
		l.Close()
		g.Cut()
		g.work.Wait()
	})
	return g
}

// URL is mqtt://127.0.0.1:port.
func (g *Gate) URL() *url.URL { return &url.URL{Scheme: "mqtt", Host: g.listener.Addr().String()} }

// Cut breaks all connections.
func (g *Gate) Cut() { g.conns.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true }) }

func (g *Gate) accept() {
	for {
		client, err := g.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", g.target)
		if err != nil {
			client.Close()
			continue
		}
		for from, to := range map[net.Conn]net.Conn{client: server, server: client} {
			g.conns.Store(from, nil)
			g.work.Go(func() {
				defer g.conns.Delete(from)
				defer from.Close()
				defer to.Close()
				if from == client {
					g.watch(from, to)
				} else {
					_, _ = io.Copy(to, from)
				}
			})
		}
	}
}

// watch passes on what the client sends, as far as the rule lets it.
func (g *Gate) watch(from io.Reader, to io.Writer) {
	r := bufio.NewReader(from)
	version := byte(4)
	for {
		packet, body, err := readPacket(r)
		if err != nil {
			return
		}
		switch packet[0] >> 4 {
		case 1: // CONNECT
			version = body[6]
		case 8: // SUBSCRIBE
			switch g.rule(filtersOf(body[2:], version)) {
			case HangUp:
				return
			case Swallow:
				continue
			}
		}
		if _, err := to.Write(packet); err != nil {
			return
		}
	}
}

// readPacket reads one packet, and returns it with what follows its fixed header.
func readPacket(r *bufio.Reader) (packet, body []byte, err error) {
	first, err := r.ReadByte()
	if err != nil {
		return nil, nil, err
	}
	length, err := binary.ReadUvarint(r) // MQTT counts in the same way
	if err != nil {
		return nil, nil, err
	}
	packet = binary.AppendUvarint([]byte{first}, length)
	header := len(packet)
	packet = append(packet, make([]byte, length)...)
	_, err = io.ReadFull(r, packet[header:])
	return packet, packet[header:], err
}

// filtersOf are the filters of a SUBSCRIBE, from behind its packet identifier.
func filtersOf(rest []byte, version byte) (filters []string) {
	if version == 5 {
		length, n := binary.Uvarint(rest)
		rest = rest[n+int(length):]
	}
	for len(rest) > 2 {
		n := int(binary.BigEndian.Uint16(rest))
		filters = append(filters, string(rest[2:2+n]))
		rest = rest[2+n+1:]
	}
	return filters
}
