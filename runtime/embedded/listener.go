package embedded

import (
	"log/slog"
	"net"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// closableListener serves a broker's connections and may be closed while a client comes.
// The listener of mochi 2.7.9 may not: it adds a client to a WaitGroup that Close waits
// for already, and a connection that has not sent its CONNECT yet is closed by nobody.
type closableListener struct {
	net.Listener
	server *mqtt.Server

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

// NewListener makes a listener of a broker out of one of the network.
func NewListener(server *mqtt.Server, l net.Listener) listeners.Listener {
	return &closableListener{Listener: l, server: server, conns: map[net.Conn]bool{}}
}

// ID names the listener among those of its server.
func (l *closableListener) ID() string { return l.Protocol() }

// Address is host:port.
func (l *closableListener) Address() string { return l.Addr().String() }

// Protocol is the network.
func (l *closableListener) Protocol() string { return l.Addr().Network() }

// Init has nothing to do.
func (*closableListener) Init(*slog.Logger) error { return nil }

// Serve takes connections until Close.
func (l *closableListener) Serve(establish listeners.EstablishFn) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if !l.add(conn) {
			continue
		}
		go func() {
			defer l.remove(conn)
			_ = establish(l.ID(), conn) // the server logs what is of interest
		}()
	}
}

// add notes a connection, or closes it when the listener is closed.
func (l *closableListener) add(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = conn.Close()
		return false
	}
	l.conns[conn] = true
	l.server.Listeners.ClientsWg.Add(1)
	return true
}

func (l *closableListener) remove(conn net.Conn) {
	_ = conn.Close()
	l.mu.Lock()
	delete(l.conns, conn)
	l.mu.Unlock()
	l.server.Listeners.ClientsWg.Done()
}

// goodbye is how long clients that do not read may hold up the end of the others.
const goodbye = time.Second

// Close takes no more connections, says goodbye to the clients, and closes all that is
// still open. It does not ask the server to: mochi 2.7.9 takes a read lock of its clients
// twice there, and is dead if one is added in between.
func (l *closableListener) Close(listeners.CloseFn) {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	_ = l.Listener.Close()
	defer time.AfterFunc(goodbye, l.closeConns).Stop()
	for _, client := range l.server.Clients.GetAll() {
		if !client.Net.Inline && !client.Closed() {
			_ = l.server.DisconnectClient(client, packets.ErrServerShuttingDown)
		}
	}
	l.closeConns()
}

func (l *closableListener) closeConns() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.conns {
		_ = conn.Close()
	}
}
