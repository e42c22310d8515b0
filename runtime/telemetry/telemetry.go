// Package telemetry sends spans where the standard variables of OpenTelemetry say,
// and carries the W3C Trace Context in the user properties of MQTT 5. What a span is
// about, those know who make it.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Options are what does not stand in the variables.
type Options struct {
	// Console writes spans to standard output, for people; else they go to a collector by
	// OTLP over HTTP.
	Console bool
	// Version is that of the program.
	Version string
	Log     *slog.Logger
}

// Start makes a provider of tracers that goes by OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_…, OTEL_SPAN_… and
// OTEL_EXPORTER_OTLP_… of the process's environment. A value that the standard does
// not know is said in the log and has no effect.
//
// Ending a span never waits: spans are exported in the background, and dropped where
// more than OTEL_BSP_MAX_QUEUE_SIZE wait. A collector that does not answer is said in
// the log. Shutdown of the provider exports what still waits.
//
// Errors and warnings of OpenTelemetry belong to the process: the last that started
// has them in its log.
func Start(ctx context.Context, o Options) (*trace.TracerProvider, error) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		o.Log.Warn("tracing does not work as it should; the worker goes on: check OTEL_… and the collector", "error", err)
	}))
	exporter, err := newExporter(ctx, o.Console)
	if err != nil {
		return nil, fmt.Errorf("preparing the export of traces (OTEL_EXPORTER_OTLP_…): %w", err)
	}
	// What comes later counts: the variables.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "chanmqttproxy"), attribute.String("service.version", o.Version)),
		resource.WithFromEnv())
	if err != nil {
		otel.Handle(err)
	}
	return trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about)), nil
}

func newExporter(ctx context.Context, console bool) (trace.SpanExporter, error) {
	if console {
		return stdouttrace.New(stdouttrace.WithWriter(os.Stdout))
	}
	return otlptracehttp.New(ctx)
}
