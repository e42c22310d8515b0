package worker

import (
	"context"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"chanmqttproxy/actors"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/telemetry"
)

// flushTimeout bounds the export of the last spans, within SHUTDOWN_TIMEOUT: a collector that is unreachable
// must not hold up each stop.
const flushTimeout = 3 * time.Second

// tracing exports the spans of all session slots; nil: messages are not traced.
type tracing struct {
	provider *sdk.TracerProvider
	newest   exemplars
}

// examples are those of the messages that are traced.
func (t *tracing) examples() *exemplars {
	if t == nil {
		return nil
	}
	return &t.newest
}

// startTracing prepares the export of spans, if that is configured.
func (w *Worker) startTracing() *tracing {
	if w.config.Tracing == config.TracingOff {
		return nil
	}
	provider, err := telemetry.Start(context.Background(), telemetry.Options{
		Console: w.config.Tracing == config.TracingConsole, Version: w.Version, Log: w.log,
	})
	if err != nil {
		w.log.Error("messages are not traced; the worker goes on: correct OTEL_… and restart it", "error", err)
		return nil
	}
	w.log.Info("tracing messages", "exporter", w.config.Tracing)
	return &tracing{provider: provider}
}

// trace traces the messages of a session slot. Call stop when the slot has stopped.
func (t *tracing) trace(o *actors.Options) (stop func()) {
	if t == nil {
		return func() {}
	}
	return newSpans(t.provider, &t.newest, o).close
}

// stopTracing exports what still waits, and returns by the deadline.
func (w *Worker) stopTracing(deadline time.Time) {
	if w.tracing == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), min(time.Until(deadline), flushTimeout))
	defer cancel()
	if err := w.tracing.provider.Shutdown(ctx); err != nil {
		w.log.Warn("the last traces were not exported: does the OpenTelemetry collector run?", "error", err)
	}
}
