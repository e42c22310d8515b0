package worker

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/command"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/slots"
)

// Understand decodes one message.
func Understand(m layer.Message, d decoder) messages.Received { return decodeMessage(m, d) }

// LayerOf is a client of the layer as the actors of the first slot see it, which is held.
func LayerOf(p layer.Client) actors.Layer {
	held := &sessions{Client: p, held: func() bool { return true }, known: new(atomic.Pointer[string])}
	return &layerPort{sessions: held, wait: func(context.Context) error { return nil }}
}

// DecoderFor decodes the commands of a site with that configuration.
func DecoderFor(cfg *config.Config) command.Decoder { return decoderFor(cfg) }

// OptionsOf are the options of the actors for a configuration.
func OptionsOf(cfg *config.Config) actors.Options {
	return New(cfg, slog.New(slog.DiscardHandler)).options(0)
}

// Metrics are those of a worker that has not begun.
func Metrics(w *Worker) string {
	t := metricSource{
		stats: w.stats, status: func() workerStatus { return workerStatus{} }, counts: &slots.Counts{}, waiting: actors.New(actors.Options{}).Waiting,
		layer: func() layer.Stats { return layer.Stats{} }, trips: w.trips, skipped: w.skipped, queues: noQueues, streams: noStreams, letters: noLetters,
		bounds: w.config.Bounds, version: w.Version,
	}
	answer := httptest.NewRecorder()
	t.handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return answer.Body.String()
}

func noLetters(context.Context) (int, time.Time, error) { return 0, time.Time{}, nil }

func noStreams(context.Context) ([]messages.StreamInfo, error) { return nil, nil }

func noQueues(context.Context) ([]messages.QueueInfo, error) { return nil, nil }

// Spans are those that a tracer makes between actors and both sides.
type Spans struct{ *spans }

// NewSpans puts itself between the actors of these options and both sides.
func NewSpans(provider trace.TracerProvider, o *actors.Options) Spans {
	return Spans{newSpans(provider, new(exemplars), o)}
}

// FaultType is the error.type of a span.
func FaultType(err error) string { return faultType(err) }

// Open is how many have not ended.
func (s Spans) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.arrived) + len(s.commands)
}

// Close ends those that are open.
func (s Spans) Close() { s.close() }

// SlotMetrics are the metrics of session slots.
func SlotMetrics(v slots.View) string {
	r := prometheus.NewRegistry()
	r.MustRegister(heldSlots{func() slots.View { return v }})
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return answer.Body.String()
}
