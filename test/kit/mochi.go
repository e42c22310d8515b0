package kit

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"chanmqttproxy/runtime/embedded"
)

// MochiServer is a broker in the test's own process: quick to start, and good
// for what needs no restart.
type MochiServer struct {
	Server *mochi.Server
	addr   string
	stop   sync.Once
}

// Denied is the first level of the topics that Mochi refuses to everybody, at
// SUBSCRIBE and PUBLISH.
const Denied = "denied"

// Mochi starts a broker that speaks MQTT 5 and 3.1.1 or, without version5, the
// older one alone: then it answers a version 5 CONNECT as brokers do that do
// not know it, 20 02 00 01.
func Mochi(t testing.TB, version5 bool) *MochiServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	m := &MochiServer{addr: listener.Addr().String()}
	room := mochi.NewDefaultServerCapabilities()
	room.MaximumClientWritesPending, room.MaximumInflight, room.ReceiveMaximum = 1<<16, math.MaxUint16, math.MaxUint16
	m.Server = mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler), Capabilities: room})
	err = errors.Join(
		m.Server.AddHook(&mochiHook{version5: version5}, nil),
		m.Server.AddListener(embedded.NewListener(m.Server, listener)),
		m.Server.Serve(),
	)
	if err != nil {
		t.Fatalf("starting mochi: %v", err)
	}
	t.Cleanup(m.Stop)
	return m
}

// Stop ends it. It gives the server a moment: after a client has stalled it, it may never
// end.
func (m *MochiServer) Stop() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		m.stop.Do(func() { _ = m.Server.Close() })
	}()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
	}
}

// Addr is "127.0.0.1:port".
func (m *MochiServer) Addr() string { return m.addr }

// URL is mqtt://127.0.0.1:port.
func (m *MochiServer) URL() *url.URL { return &url.URL{Scheme: "mqtt", Host: m.addr} }

// Disconnect breaks every connection.
func (m *MochiServer) Disconnect() {
	for _, c := range m.Server.Clients.GetAll() {
		if c.Net.Conn != nil {
			c.Net.Conn.Close()
		}
	}
}

type mochiHook struct {
	mochi.HookBase
	version5 bool
}

func (*mochiHook) ID() string { return "kit" }

func (*mochiHook) Provides(b byte) bool {
	return b == mochi.OnConnect || b == mochi.OnConnectAuthenticate || b == mochi.OnACLCheck || b == mochi.OnSessionEstablish
}

func (h *mochiHook) OnConnect(c *mochi.Client, p packets.Packet) error {
	if p.ProtocolVersion < 5 || h.version5 {
		return nil
	}
	_, _ = c.Net.Conn.Write([]byte{0x20, 0x02, 0x00, 0x01})
	return io.EOF
}

// OnSessionEstablish takes the client's quota away, with which mochi 2.7.9 may
// stall for good (Inflight.NextImmediate takes a read lock twice). So it sends
// more than the client's Receive Maximum.
func (*mochiHook) OnSessionEstablish(c *mochi.Client, _ packets.Packet) {
	c.Properties.Props.ReceiveMaximum = 0
	c.State.Inflight.ResetSendQuota(0)
}

func (*mochiHook) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

func (*mochiHook) OnACLCheck(_ *mochi.Client, topic string, _ bool) bool {
	first, _, _ := strings.Cut(topic, "/")
	return first != Denied
}
