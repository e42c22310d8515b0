package embedded

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/alicebob/miniredis/v2"
)

// RedisServer is a Redis of which only the data types and commands that a
// channel layer needs are promised, and that whoever publishes reaches all who subscribed
// before it, as Redis does. Keys expire in real time. It has no client
// tracking.
type RedisServer struct {
	mini *miniredis.Miniredis
	addr string

	mu    sync.Mutex
	front *front // nil: stopped
}

// Redis starts a server on host:port, which must be on loopback; port 0 takes
// a free one.
func Redis(addr string) (*RedisServer, error) {
	if err := Loopback(addr); err != nil {
		return nil, fmt.Errorf("starting the embedded Redis: %w", err)
	}
	r := &RedisServer{mini: miniredis.NewMiniRedis(), addr: addr}
	r.mini.ClockTTL(true)
	if err := r.Start(); err != nil {
		return nil, err
	}
	return r, nil
}

// Addr is host:port of the server; it stays the same across Stop and Start.
func (r *RedisServer) Addr() string { return r.addr }

// Require has clients log in with this password, as this user where one is named. An
// empty password requires nothing.
func (r *RedisServer) Require(user, password string) {
	switch {
	case password == "":
	case user == "":
		r.mini.RequireAuth(password)
	default:
		r.mini.RequireUserAuth(user, password)
	}
}

// Start listens again after Stop, at the same address and with the same data.
func (r *RedisServer) Start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.front != nil {
		return nil
	}
	listener, err := net.Listen("tcp", r.addr)
	if err != nil {
		return fmt.Errorf("starting the embedded Redis on %s: %w", r.addr, err)
	}
	// Close cancels the context on which blocking commands wait.
	r.mini.Ctx, r.mini.CtxCancel = context.WithCancel(context.Background())
	conn, err := r.mini.Dial() // starts it without a listener of its own
	if err != nil {
		_ = listener.Close()
		return fmt.Errorf("starting the embedded Redis on %s: %w", r.addr, err)
	}
	_ = conn.Close()
	r.addr, r.front = listener.Addr().String(), serveFront(listener, r.mini.Server())
	return nil
}

// Running says whether it is started.
func (r *RedisServer) Running() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.front != nil
}

// Stop closes all connections and stops listening. The data stays.
func (r *RedisServer) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.front == nil {
		return
	}
	r.mini.Close()
	r.front.close()
	r.front = nil
}

// Close is Stop for good. It may be called twice.
func (r *RedisServer) Close() { r.Stop() }
