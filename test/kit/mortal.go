package kit

import (
	"context"
	"io"
	"net"
	"sync"
)

// Mortal returns a dialer for a client whose process can be made to die: die closes all its
// connections, and lets it make none any more.
func Mortal() (dial func(ctx context.Context, network, addr string) (net.Conn, error), die func()) {
	var mu sync.Mutex
	var conns []net.Conn
	dead := false
	dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if dead {
			return nil, io.ErrClosedPipe
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			conns = append(conns, conn)
		}
		return conn, err
	}
	return dial, func() {
		mu.Lock()
		defer mu.Unlock()
		dead = true
		for _, c := range conns {
			_ = c.Close()
		}
	}
}
