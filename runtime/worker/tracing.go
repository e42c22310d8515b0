package worker

import (
	"context"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/telemetry"
)

// flushTimeout is how long the export of the last spans may take, of what
// SHUTDOWN_TIMEOUT has left: a collector that is away is not to hold up each stop.
const flushTimeout = 3 * time.Second

// trace has messages traced, if that is configured. What it returns is to be called
// when the actors have stopped, and returns by the deadline.
func (w *Worker) trace(o *actors.Options) (stop func(deadline time.Time)) {
	if w.config.Tracing == config.TracingOff {
		return func(time.Time) {}
	}
	provider, err := telemetry.Start(context.Background(), telemetry.Options{
		Console: w.config.Tracing == config.TracingConsole, Version: w.Version, Log: w.log,
	})
	if err != nil {
		w.log.Error("messages are not traced; the worker goes on: correct OTEL_… and restart it", "error", err)
		return func(time.Time) {}
	}
	s := newSpans(provider)
	s.between(o)
	w.log.Info("tracing messages", "exporter", w.config.Tracing)
	return func(deadline time.Time) {
		s.close()
		ctx, cancel := context.WithTimeout(context.Background(), min(time.Until(deadline), flushTimeout))
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			w.log.Warn("the last spans were not exported: is the collector there?", "error", err)
		}
	}
}
