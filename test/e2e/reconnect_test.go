package e2e_test

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/worker"
	"chanmqttproxy/test/kit"
)

// Two hundred reconnects leave nothing behind: as many goroutines as before,
// and no more memory.
func TestReconnectsLeaveNothingBehind(t *testing.T) {
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	for name, version := range map[string]string{"5": "50", "3.1.1": "311"} {
		t.Run(name, func(t *testing.T) {
			proxy := kit.NewProxy(t, broker.Addr())
			cfg, err := config.Load(config.Input{Environ: []string{
				"REDIS_URL=" + redis.URL(), "MQTT_HOST=" + proxy.Addr(), "MQTT_VERSION=" + version,
			}})
			if err != nil {
				t.Fatal(err)
			}
			w := worker.New(cfg, slog.New(slog.DiscardHandler))
			w.Backoff = actors.Backoff{Min: time.Millisecond, Max: 2 * time.Millisecond}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- w.Run(ctx) }()
			site := kit.NewDjango(t, redis.Addr())
			site.Send(kit.Subscribe("reconnect/a", "g", 1), kit.Subscribe("reconnect/b", "g", 1))

			reconnect(t, w, proxy, 20)
			goroutines, heap := level(t, 0)
			reconnect(t, w, proxy, 200)
			const passing = 20 // of those that come and go with a connection
			after, grown := level(t, goroutines+passing)
			if after > goroutines+passing {
				t.Errorf("%d goroutines, %d before", after, goroutines)
			}
			if grown > heap+4<<20 { // 20 kB for each; a buffer of a connection is 64 kB
				t.Errorf("%d kB of heap, %d kB before", grown>>10, heap>>10)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("the worker ended with %v", err)
			}
		})
	}
}

// reconnect cuts the connection n times, each time when it is up again.
func reconnect(t *testing.T, w *worker.Worker, proxy *kit.Proxy, n int) {
	t.Helper()
	for range n {
		before := w.Stats().Connects.Load()
		if before > 0 {
			proxy.Cut()
		}
		kit.Eventually(t, 20*time.Second, "connected again", func() bool { return w.Stats().Connects.Load() > before })
	}
}

// level is the number of goroutines, once it is no higher than want (0: at
// once), and the size of the live heap.
func level(t *testing.T, want int) (goroutines int, heap uint64) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for goroutines = runtime.NumGoroutine(); want > 0 && goroutines > want && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
		goroutines = runtime.NumGoroutine()
	}
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return goroutines, m.HeapAlloc
}
