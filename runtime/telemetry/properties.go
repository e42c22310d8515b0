package telemetry

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/propagation"

	"chanmqttproxy/messages"
)

// The user properties of a message that say in which trace it is: those of the
// W3C Trace Context for MQTT.
const (
	traceparent = "traceparent"
	tracestate  = "tracestate"
)

// Extract returns a context with the span that a message comes from, if its user
// properties name one that is well-formed.
func Extract(ctx context.Context, m *messages.Message) context.Context {
	if m.Properties == nil || len(m.Properties.UserProperties) == 0 {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, carrier{m.Properties})
}

// Inject puts the span of a context into the user properties of a message, in
// place of the one that was there. The message must not be shared yet.
func Inject(ctx context.Context, m *messages.Message) {
	if m.Properties == nil {
		m.Properties = &messages.Properties{}
	}
	c := carrier{m.Properties}
	c.remove(traceparent, tracestate)
	propagation.TraceContext{}.Inject(ctx, c)
}

// carrier is the properties of a message as OpenTelemetry sees them.
type carrier struct{ *messages.Properties }

// Get implements propagation.TextMapCarrier: the first of that name.
func (c carrier) Get(key string) string {
	for _, p := range c.UserProperties {
		if p.Key == key {
			return p.Value
		}
	}
	return ""
}

// Set implements propagation.TextMapCarrier.
func (c carrier) Set(key, value string) {
	c.UserProperties = append(c.UserProperties, messages.UserProperty{Key: key, Value: value})
}

// Keys implements propagation.TextMapCarrier.
func (c carrier) Keys() (keys []string) {
	for _, p := range c.UserProperties {
		keys = append(keys, p.Key)
	}
	return keys
}

func (c carrier) remove(keys ...string) {
	c.UserProperties = slices.DeleteFunc(c.UserProperties, func(p messages.UserProperty) bool { return slices.Contains(keys, p.Key) })
}
