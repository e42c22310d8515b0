package worker_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/worker"
)

// attributesOf are all attributes of a span, as text.
func attributesOf(s tracetest.SpanStub) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes {
		all[string(a.Key)] = a.Value.String()
	}
	return all
}

// TestSpanNames: names and attributes are those of the semantic conventions for messaging
// in the version that the spans name; a filter is in a name, and never a topic.
func TestSpanNames(t *testing.T) {
	t.Parallel()
	f := newTraced(t, nil)
	f.broker.RefusePublish("house/refused", 0x87)
	f.subscribe("house/+/state", "a")
	f.broker.Send(messages.Message{Topic: "house/lamp/state", QoS: 1, Payload: []byte("on")})
	f.layer.Put(messages.PublishCommand{Message: &messages.Message{Topic: "house/refused", QoS: 1, Retain: true}})
	for _, want := range []struct {
		operation, name string
		attributes      map[string]string
	}{
		{"process", "process house/+/state", map[string]string{
			"messaging.system": "mqtt", "messaging.operation.name": "process", "messaging.operation.type": "process",
			"messaging.destination.name": "house/lamp/state", "messaging.destination.template": "house/+/state",
			"messaging.message.body.size": "2", "messaging.client.id": "probe/1", "server.address": "broker.example", "server.port": "8883",
			"chanmqttproxy.qos": "1", "chanmqttproxy.retain": "false",
		}},
		{"send", "send group/{name}", map[string]string{
			"messaging.system": "channels_redis", "messaging.operation.name": "send", "messaging.operation.type": "send",
			"messaging.destination.name": "group/a", "messaging.destination.template": "group/{name}",
		}},
		{"publish", "publish broker.example:8883", map[string]string{
			"messaging.system": "mqtt", "messaging.operation.name": "publish", "messaging.operation.type": "send",
			"messaging.destination.name": "house/refused", "messaging.message.body.size": "0", "messaging.client.id": "probe/1",
			"server.address": "broker.example", "server.port": "8883", "error.type": "0x87",
			"chanmqttproxy.qos": "1", "chanmqttproxy.retain": "true",
		}},
	} {
		span := f.named(want.operation, 1)[0]
		if got := attributesOf(span); span.Name != want.name || !maps.Equal(got, want.attributes) {
			t.Errorf("the span %q has %v, want %q with %v", span.Name, got, want.name, want.attributes)
		}
		if span.InstrumentationScope.SchemaURL != semconv.SchemaURL {
			t.Errorf("the span %q follows %q, want %q", span.Name, span.InstrumentationScope.SchemaURL, semconv.SchemaURL)
		}
	}
}

// TestSpanErrors: the error.type of a span is one of few.
func TestSpanErrors(t *testing.T) {
	t.Parallel()
	oom := errors.New("OOM")
	for want, err := range map[string]error{
		"redis_error":       fmt.Errorf("a write: %w", &messages.LayerFailure{Answered: true, Err: oom}),
		"redis_unreachable": &messages.LayerFailure{Err: oom},
		"_OTHER":            oom,
	} {
		if got := worker.FaultType(err); got != want {
			t.Errorf("the error.type of %v is %q, want %q", err, got, want)
		}
	}
}
