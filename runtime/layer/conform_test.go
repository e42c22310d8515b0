package layer_test

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

func TestRealRedis(t *testing.T) {
	t.Parallel()
	conform.Layer(t, conform.LayerForm{}, realRedis)
}

func TestMiniredis(t *testing.T) {
	t.Parallel()
	conform.Layer(t, conform.LayerForm{}, miniRedis)
}

func TestEncrypted(t *testing.T) {
	t.Parallel()
	conform.Layer(t, conform.LayerForm{Change: func(c *layer.Config) {
		c.EncryptionKeys = []string{"new", "old"}
	}}, realRedis)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	conform.Layer(t, conform.LayerForm{Change: func(c *layer.Config) { c.Serializer = layer.JSON }}, miniRedis)
}

func TestThreeHosts(t *testing.T) {
	t.Parallel()
	conform.Layer(t, conform.LayerForm{Hosts: 3}, miniRedis)
}

// TestAllForms has three real servers, encrypted JSON, and capacities of which
// none differs.
func TestAllForms(t *testing.T) {
	t.Parallel()
	conform.Layer(t, conform.LayerForm{Hosts: 3, Change: func(c *layer.Config) {
		c.EncryptionKeys = []string{"new", "old"}
		c.Serializer = layer.JSON
		c.Capacities = []layer.Pattern{{Glob: "nobody*", Capacity: 1}}
	}}, realRedis)
}

func realRedis(t *testing.T) conform.LayerServer {
	server := kit.Redis(t)
	return conform.LayerServer{Addr: server.Addr(), Stop: server.Kill, Start: server.Restart}
}

func miniRedis(t *testing.T) conform.LayerServer {
	server := runMiniredis(t)
	return conform.LayerServer{Addr: server.Addr(), Stop: server.Close, Start: func() {
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
	}}
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
