package telemetry_test

import (
	"context"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/telemetry"
)

const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func message(properties ...messages.UserProperty) *messages.Message {
	return &messages.Message{Properties: &messages.Properties{UserProperties: properties}}
}

// TestExtract: what is well-formed names a span, and anything else none.
func TestExtract(t *testing.T) {
	t.Parallel()
	for parent, want := range map[string]string{
		good: "b7ad6b7169203331", "": "", "01": "", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": "",
		good + "-more": "", "ff" + good[2:]: "", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01": "",
	} {
		m := message(messages.UserProperty{Key: "traceparent", Value: parent}, messages.UserProperty{Key: "tracestate", Value: "\x00,=,"})
		span := trace.SpanContextFromContext(telemetry.Extract(context.Background(), m))
		got := ""
		if span.IsValid() {
			got = span.SpanID().String()
		}
		if got != want || span.TraceState().Len() != 0 {
			t.Errorf("%q is the span %q with %v", parent, got, span.TraceState())
		}
	}
	if span := trace.SpanContextFromContext(telemetry.Extract(context.Background(), &messages.Message{})); span.IsValid() {
		t.Error("a message without properties has a span")
	}
}

// TestInject: there is one traceparent afterwards, and the others keep their order.
func TestInject(t *testing.T) {
	t.Parallel()
	from := messages.UserProperty{Key: "traceparent", Value: good}
	ctx := telemetry.Extract(context.Background(), message(from))
	room, old := messages.UserProperty{Key: "room", Value: "hall"}, messages.UserProperty{Key: "traceparent", Value: "old"}
	m := message(old, room, messages.UserProperty{Key: "tracestate", Value: "a=b"}, old, room)
	telemetry.Inject(ctx, m)
	if want := []messages.UserProperty{room, room, from}; !slices.Equal(m.Properties.UserProperties, want) {
		t.Errorf("%v, want %v", m.Properties.UserProperties, want)
	}
	bare := &messages.Message{}
	if telemetry.Inject(ctx, bare); !slices.Equal(bare.Properties.UserProperties, []messages.UserProperty{from}) {
		t.Errorf("%v", bare.Properties)
	}
}
