package config_test

import (
	"strings"
	"testing"

	"chanmqttproxy/runtime/config"
)

// TestTracing reads the variables of OpenTelemetry; where it is "!" something is wrong
// with the last of them.
func TestTracing(t *testing.T) {
	t.Parallel()
	for environ, want := range map[string]config.Tracing{
		"":                                   config.TracingOff,
		"OTEL_SERVICE_NAME=worker":           config.TracingOff,
		"OTEL_TRACES_EXPORTER=otlp":          config.TracingOTLP,
		"OTEL_TRACES_EXPORTER=console":       config.TracingConsole,
		"OTEL_TRACES_EXPORTER=none":          config.TracingOff,
		"OTEL_TRACES_EXPORTER=zipkin":        "!",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http:a": config.TracingOTLP,

		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http:a":                                                                   config.TracingOTLP,
		"OTEL_EXPORTER_OTLP_ENDPOINT=http:a OTEL_TRACES_EXPORTER=none":                                                config.TracingOff,
		"OTEL_EXPORTER_OTLP_ENDPOINT=http:a OTEL_SDK_DISABLED=True":                                                   config.TracingOff,
		"OTEL_EXPORTER_OTLP_ENDPOINT=http:a OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf":                                config.TracingOTLP,
		"OTEL_EXPORTER_OTLP_ENDPOINT=http:a OTEL_EXPORTER_OTLP_PROTOCOL=grpc":                                         "!",
		"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_TRACES_PROTOCOL= OTEL_TRACES_EXPORTER=otlp":     config.TracingOTLP,
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf OTEL_TRACES_EXPORTER=otlp": config.TracingOTLP,
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc":                                                                            config.TracingOff,
	} {
		list := strings.Fields(environ)
		c, err := load(t, list)
		switch {
		case want == "!":
			name, _, _ := strings.Cut(list[len(list)-1], "=")
			if err == nil || !strings.Contains(err.Error(), name+" (environment): ") {
				t.Errorf("%s: %v", environ, err)
			}
		case err != nil || c.Tracing != want:
			t.Errorf("%s: %+v", environ, err)
		}
	}
}
