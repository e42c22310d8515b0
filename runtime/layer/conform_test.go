package layer_test

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

func TestRealRedis(t *testing.T) {
	t.Parallel()
	conform.Layer(t, func(t *testing.T) conform.LayerServer {
		server := kit.Redis(t)
		return conform.LayerServer{Addr: server.Addr(), Restart: func(meanwhile func()) {
			server.Kill()
			meanwhile()
			server.Restart()
		}}
	})
}

func TestMiniredis(t *testing.T) {
	t.Parallel()
	conform.Layer(t, func(t *testing.T) conform.LayerServer {
		server := runMiniredis(t)
		return conform.LayerServer{Addr: server.Addr(), Restart: func(meanwhile func()) {
			server.Close()
			meanwhile()
			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
		}}
	})
}

// runMiniredis starts a miniredis whose clock runs: by itself it lets no key
// expire.
func runMiniredis(t *testing.T) *miniredis.Miniredis {
	server := miniredis.RunT(t)
	const tick = 50 * time.Millisecond
	ticker, stop, stopped := time.NewTicker(tick), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-ticker.C:
				server.FastForward(tick)
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		ticker.Stop()
		close(stop)
		<-stopped
	})
	return server
}
