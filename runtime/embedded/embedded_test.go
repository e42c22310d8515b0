package embedded_test

import (
	"testing"

	"go.uber.org/goleak"

	"chanmqttproxy/runtime/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "[::]:0", "example.org:0", "127.0.0.1"} {
		if r, err := embedded.Redis(addr); err == nil {
			r.Close()
			t.Errorf("a Redis listens on %s", addr)
		}
		if b, err := embedded.Broker(addr, embedded.BrokerOptions{}); err == nil {
			b.Close()
			t.Errorf("a broker listens on %s", addr)
		}
	}
}
