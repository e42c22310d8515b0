package worker_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"

	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/runtime/systemd"
	"chanmqttproxy/test/kit"
)

// stopper is a log in which whoever writes a certain line hangs until it is released. It
// counts another.
type stopper struct {
	slog.Handler
	line     string
	hung     chan struct{} // closed when somebody hangs
	released chan struct{}
	counted  string
	count    *atomic.Int64
}

// Enabled implements slog.Handler.
func (s stopper) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (s stopper) WithAttrs([]slog.Attr) slog.Handler { return s }

// Handle implements slog.Handler.
func (s stopper) Handle(_ context.Context, r slog.Record) error {
	switch r.Message {
	case s.line:
		close(s.hung) // it is written once
		<-s.released
	case s.counted:
		s.count.Add(1)
	}
	return nil
}

// TestWatchdogStarves: an actor that hangs has systemd, and those who ask, take the
// worker for dead, and for alive again when it goes on.
func TestWatchdogStarves(t *testing.T) {
	t.Parallel()
	m := listenAsManager(t)
	log := stopper{
		Handler: slog.DiscardHandler, line: "a command was not allowed", hung: make(chan struct{}), released: make(chan struct{}),
		counted: "the worker does not answer its own check: if that lasts, systemd restarts it", count: &atomic.Int64{},
	}
	server, err := embedded.Redis("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	found := systemd.Find([]string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=2000000"}, 1)
	r := startLogging(t, log, found, "REDIS_URL=redis://"+server.Addr(), "MQTT_HOST="+broker(t, "127.0.0.1:0").Addr(), "MQTT_ALLOW_PUBLISH=allowed")
	r.becomes("/readyz", 200, "")
	m.hears(t, "WATCHDOG=1")

	send(t, server, "type", "mqtt.publish", "publish", []any{"topic", "other"})
	<-log.hung // the router, which is asked in vain from now on
	starving := log.count.Load()
	kit.Eventually(t, soon, "the watchdog starves", func() bool { return log.count.Load() > starving })
	fed := m.count("WATCHDOG=1")
	kit.Eventually(t, soon, "it starves on", func() bool { return log.count.Load() > starving+2 })
	if n := m.count("WATCHDOG=1"); n != fed {
		t.Errorf("fed %d times while an actor hangs", n-fed)
	}
	r.becomes("/livez", 503, "/router")

	close(log.released)
	m.hears(t, "WATCHDOG=1")
	r.becomes("/livez", 200, "")
}
