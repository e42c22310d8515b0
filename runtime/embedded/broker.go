package embedded

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"net"
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
)

// BrokerOptions are what one may ask of a Broker; the zero value is fine.
type BrokerOptions struct {
	// Logger gets the broker's warnings and errors; nil: nobody does.
	Logger *slog.Logger
}

// BrokerServer is an MQTT broker that speaks 3.1.1 and 5 over TCP.
type BrokerServer struct {
	options BrokerOptions
	addr    string

	mu     sync.Mutex
	server *mqtt.Server // nil while stopped

	listeners []listener
	hooks     []mqtt.Hook // of tests
}

// Broker starts a broker on host:port, which must be on loopback; port 0 takes
// a free one. Everybody may do everything there.
func Broker(addr string, options BrokerOptions) (*BrokerServer, error) {
	if err := Loopback(addr); err != nil {
		return nil, fmt.Errorf("starting the embedded broker: %w", err)
	}
	b := &BrokerServer{options: options, addr: addr}
	if err := b.Start(); err != nil {
		return nil, err
	}
	return b, nil
}

// Addr is host:port of the broker; it stays the same across Stop and Start.
func (b *BrokerServer) Addr() string { return b.addr }

// Start runs the broker again after Stop, at the same address. Sessions and
// retained messages are gone.
func (b *BrokerServer) Start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp", b.addr)
	if err != nil {
		return fmt.Errorf("starting the embedded broker: %w", err)
	}
	server := mqtt.New(&mqtt.Options{
		Capabilities:             capabilities(),
		ClientNetWriteBufferSize: 1, // as flowControl needs
		InlineClient:             true,
		Logger:                   b.logger(),
	})
	if err := serve(server, listener, b.hooks); err != nil {
		listener.Close()
		return fmt.Errorf("starting the embedded broker on %s: %w", b.addr, err)
	}
	if err := b.again(server); err != nil {
		server.Close()
		return fmt.Errorf("starting the embedded broker on %s: %w", b.addr, err)
	}
	b.server, b.addr = server, listener.Addr().String()
	return nil
}

func serve(server *mqtt.Server, listener net.Listener, more []mqtt.Hook) error {
	for _, hook := range append([]mqtt.Hook{new(allow), new(flowControl), new(queueOrder), &succession{server: server}}, more...) {
		if err := server.AddHook(hook, nil); err != nil {
			return err
		}
	}
	if err := server.AddListener(NewListener(server, listener)); err != nil {
		return err
	}
	return server.Serve()
}

// maximumPacket is the size of the largest message that the broker takes. It is smaller
// than what the worker takes by default, since the copy for a subscriber has its
// subscription identifiers too.
const maximumPacket = 16<<20 - 4<<10

// capabilities leave room for a slow reader: beyond its pending writes the
// broker drops messages, whatever their QoS. They leave room for a publisher
// too, which is cut off when its quota is used up: what it has received with
// QoS 2 counts against it.
func capabilities() *mqtt.Capabilities {
	c := mqtt.NewDefaultServerCapabilities()
	c.MaximumClientWritesPending = 1 << 16
	c.MaximumInflight = math.MaxUint16
	c.ReceiveMaximum = math.MaxUint16
	c.MaximumPacketSize = maximumPacket
	return c
}

// logger drops what the broker says of its ordinary life.
func (b *BrokerServer) logger() *slog.Logger {
	return slog.New(quiet{cmp.Or(b.options.Logger, slog.New(slog.DiscardHandler)).Handler()})
}

// Running says whether it is started.
func (b *BrokerServer) Running() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.server != nil
}

// Stop disconnects all clients and stops listening.
func (b *BrokerServer) Stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server == nil {
		return
	}
	// Its only error is that of a hook, and there is none.
	_ = b.server.Close()
	b.server = nil
}

// Close is Stop for good. It may be called twice.
func (b *BrokerServer) Close() { b.Stop() }
