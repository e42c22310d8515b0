package worker

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/telemetry"
)

// spans makes the OpenTelemetry spans of the messages of one session slot, between the
// actors and what they reach the two sides with: without tracing it is not there at
// all. The actors carry no more of it than a message's messages.Span.
//
//   - "process": from the arrival of a message until it needs nothing more, which for
//     QoS 1 and 2 is its acknowledgement. Its children are
//   - "send": each write of it to the queues of a group or a channel.
//   - "publish": from when a command was taken from Redis until the broker has
//     acknowledged its message (QoS 0: it was written).
//
// Names and attributes are those of the semantic conventions for messaging; a topic is
// in none of the names, since there may be any number. Nothing of a payload is in any.
type spans struct {
	tracer trace.Tracer

	mu       sync.Mutex
	arrived  map[uint64]trace.Span           // by the delivery's seq
	commands map[messages.Receipt]trace.Span // those that publish
}

// newSpans puts itself between the actors with these options and both sides.
func newSpans(provider trace.TracerProvider, o *actors.Options) *spans {
	s := &spans{
		tracer:  provider.Tracer("chanmqttproxy"),
		arrived: map[uint64]trace.Span{}, commands: map[messages.Receipt]trace.Span{},
	}
	o.Layer, o.MQTT = tracedLayer{o.Layer, s}, tracedMQTT{o.MQTT, s}
	o.Settled = func(seq uint64) { end(s, s.arrived, seq, nil) }
	return s
}

// begin starts the span of a message, in the trace that its user properties name. It is
// not in the books yet.
func (s *spans) begin(name string, kind trace.SpanKind, operation string, m *messages.Message) (context.Context, trace.Span) {
	return s.tracer.Start(telemetry.Extract(context.Background(), m), name, trace.WithSpanKind(kind), trace.WithAttributes(
		attribute.String("messaging.system", "mqtt"),
		attribute.String("messaging.operation.name", name),
		attribute.String("messaging.operation.type", operation),
		attribute.String("messaging.destination.name", text(m.Topic)),
		attribute.Int("messaging.message.body.size", len(m.Payload)),
		attribute.Int("mqtt.qos", int(m.QoS)),
		attribute.Bool("mqtt.retain", m.Retain),
	))
}

// text is what others have written as UTF-8, which they may not have: one that is not
// would cost all spans that are exported with it.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// note puts a span into the books, if it is one that is recorded.
func note[K comparable](s *spans, open map[K]trace.Span, key K, span trace.Span) {
	if span.IsRecording() {
		s.mu.Lock()
		defer s.mu.Unlock()
		open[key] = span
	}
}

// end ends the span that is in the books, if there is one.
func end[K comparable](s *spans, open map[K]trace.Span, key K, fault error) {
	s.mu.Lock()
	span, ok := open[key]
	delete(open, key)
	s.mu.Unlock()
	if !ok {
		return
	}
	if fault != nil {
		span.SetStatus(codes.Error, text(fault.Error()))
	}
	span.End()
}

// close ends what is open when the worker stops.
func (s *spans) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, span := range s.arrived {
		span.SetStatus(codes.Error, "the worker stopped")
		span.End()
	}
	for _, span := range s.commands {
		span.SetStatus(codes.Error, "the worker stopped")
		span.End()
	}
	clear(s.arrived)
	clear(s.commands)
}

// sent makes a span of a write for each message in it that is traced.
func (s *spans) sent(b *messages.Batch, began time.Time, o messages.Outcome, err error) {
	ended := time.Now()
	for i, bundle := range b.Bundles {
		for _, e := range bundle.Events {
			if e.Message.Span != nil {
				s.write(e.Message.Span, b, began, ended, refusals(o, i), err)
			}
		}
	}
}

// refusals counts the queues that had no room for the i-th bundle.
func refusals(o messages.Outcome, i int) (n int) {
	for _, r := range o.Refused {
		if i >= r.From {
			n++
		}
	}
	return n
}

func (s *spans) write(parent *messages.Span, b *messages.Batch, began, ended time.Time, refused int, err error) {
	state, _ := trace.ParseTraceState(parent.State) // it was one
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: parent.Trace, SpanID: parent.ID, TraceFlags: trace.FlagsSampled, TraceState: state,
	}))
	_, span := s.tracer.Start(ctx, "send", trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("messaging.system", "channels_redis"),
		attribute.String("messaging.operation.name", "send"),
		attribute.String("messaging.operation.type", "send"),
		attribute.String("messaging.destination.name", text(b.Target.String())),
	))
	if n := len(b.Bundles); n > 1 {
		span.SetAttributes(attribute.Int("messaging.batch.message_count", n))
	}
	if b.Queue != nil {
		span.SetAttributes(attribute.String("channels.queue", text(b.Queue.Name)))
	}
	if refused > 0 {
		span.SetAttributes(attribute.Int("channels.queues_full", refused))
	}
	if err != nil {
		span.SetStatus(codes.Error, text(err.Error()))
	}
	span.End(trace.WithTimestamp(ended))
}

// spanOf is what a message carries of its span; nil: the span is not recorded.
func spanOf(span trace.Span) *messages.Span {
	if !span.IsRecording() {
		return nil
	}
	c := span.SpanContext()
	return &messages.Span{Trace: c.TraceID(), ID: c.SpanID(), State: c.TraceState().String()}
}

// tracedMQTT is an MQTT whose sessions' messages are traced.
type tracedMQTT struct {
	actors.MQTT
	spans *spans
}

// Dial makes a session.
func (m tracedMQTT) Dial(ctx context.Context, version messages.Version, sink actors.Sink) (actors.Session, error) {
	return m.MQTT.Dial(ctx, version, tracedSink{sink, m.spans})
}

type tracedSink struct {
	actors.Sink
	spans *spans
}

// Received begins the span of a message. One that is held back, or dropped, ends here.
func (k tracedSink) Received(seq uint64, identifiers []uint32, m *messages.Message) bool {
	_, span := k.spans.begin("process", trace.SpanKindConsumer, "process", m)
	m.Span = spanOf(span)
	note(k.spans, k.spans.arrived, seq, span)
	taken := k.Sink.Received(seq, identifiers, m)
	if !taken {
		end(k.spans, k.spans.arrived, seq, errNotTaken)
	}
	return taken
}

// Published ends the span of the command whose message took effect, or was refused.
func (k tracedSink) Published(p messages.Published) {
	var fault error
	if p.Code >= 0x80 {
		fault = fmt.Errorf("the broker refused it (code 0x%02x): %s", p.Code, p.Reason)
	}
	end(k.spans, k.spans.commands, p.Receipt, fault)
	k.Sink.Published(p)
}
