package config

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// Tracing says where traces go.
type Tracing string

// The ways of traces: nowhere; by OTLP over HTTP to a collector; to standard output.
const (
	TracingOff     Tracing = ""
	TracingOTLP    Tracing = "otlp"
	TracingConsole Tracing = "console"
)

// tracing reads the variables of OpenTelemetry that say whether there are traces, and
// where they go. They are no settings of ours: they stand in the environment alone, and
// the others of them OpenTelemetry's library reads there.
func (l *loader) tracing(environ []string) Tracing {
	if strings.EqualFold(variable(environ, "OTEL_SDK_DISABLED"), "true") {
		return TracingOff
	}
	const exporter, traces, all = "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"
	value := variable(environ, exporter)
	if value == "" && variable(environ, traces+"ENDPOINT") == "" && variable(environ, all+"ENDPOINT") == "" {
		return TracingOff
	}
	switch to := Tracing(cmp.Or(value, string(TracingOTLP))); to {
	case "none":
		return TracingOff
	case TracingConsole:
		return TracingConsole
	case TracingOTLP:
	default:
		l.fault(exporter+" ("+Environment.String()+")", fmt.Errorf("%q is none of otlp, console and none", value))
		return TracingOff
	}
	protocol := traces + "PROTOCOL"
	if variable(environ, protocol) == "" {
		protocol = all + "PROTOCOL"
	}
	if by := variable(environ, protocol); by != "" && by != "http/protobuf" {
		l.fault(protocol+" ("+Environment.String()+")", errors.New("traces are sent by http/protobuf only: set "+traces+"PROTOCOL to that and "+
			traces+"ENDPOINT to where the collector takes it, such as http://collector:4318/v1/traces, or OTEL_TRACES_EXPORTER to none"))
	}
	return TracingOTLP
}
