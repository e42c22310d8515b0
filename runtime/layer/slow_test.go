package layer_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// slowClient is a client that is patient for a second, at the end of a link of 2.5 MB/s.
func slowClient(t *testing.T, server *kit.RedisServer) *conform.LayerClient {
	t.Helper()
	proxy := kit.NewProxy(t, server.Addr())
	proxy.Limit(2_500_000)
	c := layer.NewCore(layer.Config{
		Redis: &redis.Options{Addr: proxy.Addr(), ReadTimeout: time.Second, WriteTimeout: time.Second},
		Lease: 2 * time.Second,
	}, slog.New(slog.DiscardHandler))
	t.Cleanup(c.Close)
	return conform.NewLayerClient(c)
}

// again does it until it works: on a busy machine a server may be silent for longer than
// its client waits. What takes longer than that each time never works.
func again[T any](t *testing.T, what string, do func() (T, error)) T {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		result, err := do()
		if err == nil {
			return result
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// TestSlowLink reads commands that are more, and one that is larger, than passes a link
// in the time of a time-out: those that wait, those that a predecessor left, and all
// that is done is acknowledged.
func TestSlowLink(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	const count = 24
	sizes := map[int]int{5: 4 << 20, 6: 10}
	want := make([]string, count)
	for i := range want {
		size := 300_000
		if special, ok := sizes[i]; ok {
			size = special
		}
		head := fmt.Sprintf("%012d\x81\xa1p\xc6", i)
		body := string([]byte{byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}) + strings.Repeat("x", size)
		want[i] = head + body
		plain.ZAdd(t.Context(), "asgimqtt", redis.Z{Score: float64(i), Member: want[i]})
	}
	read := func(c *conform.LayerClient, first, last int) (receipts []messages.Receipt) {
		for len(receipts) < last-first {
			list := again(t, fmt.Sprintf("after %d commands", first+len(receipts)), func() ([]layer.Message, error) {
				return c.Receive(t.Context(), last-first-len(receipts))
			})
			size := 0
			for _, m := range list {
				size += len(m.Receipt)
				if n := first + len(receipts); string(m.Receipt) != want[n] {
					t.Fatalf("command %d is not what was sent", n)
				}
				receipts = append(receipts, m.Receipt)
			}
			if len(list) > 1 && size > 1<<20 {
				t.Errorf("%d commands of %d bytes at once", len(list), size)
			}
		}
		return receipts
	}
	first := slowClient(t, server)
	receipts := read(first, 0, 12)
	acknowledge := func(c *conform.LayerClient, receipts []messages.Receipt) {
		again(t, "acknowledging", func() (struct{}, error) { return struct{}{}, c.Acknowledge(t.Context(), receipts) })
	}
	acknowledge(first, receipts[:3])
	first.Close()
	second := slowClient(t, server)
	receipts = read(second, 3, count)
	acknowledge(second, receipts)
	if keys := plain.Keys(t.Context(), "asgi*").Val(); len(keys) > 0 {
		t.Errorf("left in redis: %q", keys)
	}
}
