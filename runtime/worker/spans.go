package worker

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/telemetry"
)

// spans makes the OpenTelemetry spans of the messages of one session slot. It stands between the actors
// and their ports, and is not there without tracing. The actors only carry messages.Span.
//
//   - "process FILTER": from the arrival of a message until it is done, which for QoS 1 and 2 is its
//     acknowledgement. Its children are
//   - "send group/{name}": each write of it to the queues of a group or a channel, or to
//     a stream.
//   - "publish SERVER:PORT": from when a command was taken from Redis until the broker has
//     acknowledged its message (QoS 0: it was written).
//
// Names and attributes are those of the semantic conventions for messaging, in the version
// of semconv.SchemaURL; others begin with spanPrefix. A topic is in none of the names,
// since there may be any number. Nothing of a payload is in any.
type spans struct {
	tracer trace.Tracer
	newest *exemplars
	broker atomic.Pointer[messages.Connack] // of the last connection

	mu       sync.Mutex
	arrived  map[uint64]openSpan           // by the delivery's seq
	commands map[messages.Receipt]openSpan // those that publish
}

// spanPrefix begins the names of attributes for which there is no convention.
const spanPrefix = "chanmqttproxy."

// openSpan is a span that has not ended. message, of a message that came, is where the router notes the
// filter.
type openSpan struct {
	trace.Span
	operation string
	message   *messages.Span
	arrived   time.Time // of a message that is to be acknowledged
}

// newSpans makes spans, and puts them between the actors and the ports in the options.
func newSpans(provider trace.TracerProvider, newest *exemplars, o *actors.Options) *spans {
	s := &spans{
		newest:  newest,
		tracer:  provider.Tracer("chanmqttproxy", trace.WithSchemaURL(semconv.SchemaURL)),
		arrived: map[uint64]openSpan{}, commands: map[messages.Receipt]openSpan{},
	}
	o.Layer, o.MQTT = tracedLayer{o.Layer, s}, tracedMQTT{o.MQTT, s}
	o.Settled = func(seq uint64) { end(s, s.arrived, seq, nil) }
	return s
}

// start starts the span of a message, in the trace that its user properties name. note keeps it.
func (s *spans) start(operation string, kind trace.SpanKind, of attribute.KeyValue, m *messages.Message) (context.Context, openSpan) {
	ctx, span := s.tracer.Start(telemetry.Extract(context.Background(), m), operation, trace.WithSpanKind(kind), trace.WithAttributes(
		semconv.MessagingSystemKey.String("mqtt"),
		semconv.MessagingOperationName(operation),
		of,
		semconv.MessagingDestinationName(text(m.Topic)),
		semconv.MessagingMessageBodySize(len(m.Payload)),
		attribute.Int(spanPrefix+"qos", int(m.QoS)),
		attribute.Bool(spanPrefix+"retain", m.Retain),
	))
	return ctx, openSpan{Span: span, operation: operation}
}

// text makes foreign text valid UTF-8. An invalid text would cost all spans that are exported with it.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// note keeps a span until it ends, if it is recorded.
func note[K comparable](s *spans, open map[K]openSpan, key K, span openSpan) {
	if span.IsRecording() {
		s.mu.Lock()
		defer s.mu.Unlock()
		open[key] = span
	}
}

// end ends the span that is kept under a key, if there is one.
func end[K comparable](s *spans, open map[K]openSpan, key K, fault error) {
	s.mu.Lock()
	span, ok := open[key]
	delete(open, key)
	s.mu.Unlock()
	if ok {
		s.finish(span, fault)
	}
}

// finish ends a span, with what is known only now: the filter and the broker.
func (s *spans) finish(span openSpan, fault error) {
	at := ""
	if info := s.broker.Load(); info != nil {
		span.SetAttributes(semconv.MessagingClientID(text(info.ClientID)))
		if server, err := url.Parse(info.Broker); err == nil && server.Host != "" {
			at = server.Host
			span.SetAttributes(semconv.ServerAddress(server.Hostname()))
			if port, err := strconv.Atoi(server.Port()); err == nil {
				span.SetAttributes(semconv.ServerPort(port))
			}
		}
	}
	if span.message != nil && span.message.Filter != "" {
		at = text(span.message.Filter)
		span.SetAttributes(semconv.MessagingDestinationTemplate(at))
	}
	if at != "" {
		span.SetName(span.operation + " " + at)
	}
	if fault == nil && !span.arrived.IsZero() {
		s.newest.acknowledgement.note(span.message, span.arrived, time.Now())
	}
	fail(span, fault)
	span.End()
}

// fail adds what went wrong to a span, if something did.
func fail(span trace.Span, fault error) {
	if fault != nil {
		span.SetStatus(codes.Error, text(fault.Error()))
		span.SetAttributes(semconv.ErrorTypeKey.String(faultType(fault)))
	}
}

// close ends what is open when the worker stops.
func (s *spans) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, span := range s.arrived {
		s.finish(span, errStopped)
	}
	for _, span := range s.commands {
		s.finish(span, errStopped)
	}
	clear(s.arrived)
	clear(s.commands)
}

// sent makes a span of a write for each message in it that is traced.
func (s *spans) sent(b *messages.Batch, began time.Time, o messages.Outcome, err error) {
	ended := time.Now()
	for i, bundle := range b.Bundles {
		for _, e := range bundle.Events {
			if e.Message.Span == nil {
				continue
			}
			refused := refusals(o, i)
			s.write(e.Message.Span, b, began, ended, refused, err)
			if err == nil && refused == 0 {
				s.newest.delivery.note(e.Message.Span, e.Message.At, ended)
			}
		}
	}
}

// refusals counts the queues that had no room for the i-th bundle.
func refusals(o messages.Outcome, i int) (n int) {
	for _, r := range o.FullQueues {
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
	kind, _, _ := strings.Cut(b.Target.String(), "/")
	template := kind + "/{name}"
	_, span := s.tracer.Start(ctx, "send "+template, trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.MessagingSystemKey.String("channels_redis"),
		semconv.MessagingOperationName("send"),
		semconv.MessagingOperationTypeSend,
		semconv.MessagingDestinationName(text(b.Target.String())),
		semconv.MessagingDestinationTemplate(template),
	))
	if n := len(b.Bundles); n > 1 {
		span.SetAttributes(semconv.MessagingBatchMessageCount(n))
	}
	if b.Queue != nil {
		span.SetAttributes(attribute.String(spanPrefix+"queue", text(b.Queue.Name)))
	}
	if refused > 0 {
		span.SetAttributes(attribute.Int(spanPrefix+"queues_full", refused))
	}
	fail(span, err)
	span.End(trace.WithTimestamp(ended))
}

// spanOf is the part of a span that its message carries; nil: the span is not recorded.
func spanOf(span trace.Span) *messages.Span {
	if !span.IsRecording() {
		return nil
	}
	c := span.SpanContext()
	return &messages.Span{Trace: c.TraceID(), ID: c.SpanID(), State: c.TraceState().String()}
}

// tracedMQTT is an MQTT whose messages are traced.
type tracedMQTT struct {
	actors.MQTT
	spans *spans
}

// Dial makes a connection, and notes where to.
func (m tracedMQTT) Dial(ctx context.Context, version messages.Version, sink actors.Sink) (actors.Conn, error) {
	session, err := m.MQTT.Dial(ctx, version, tracedSink{sink, m.spans})
	if err == nil {
		info := session.Info()
		m.spans.broker.Store(&info)
	}
	return session, err
}

type tracedSink struct {
	actors.Sink
	spans *spans
}

// Received starts the span of a message. It ends here if the message is not taken.
func (k tracedSink) Received(seq uint64, identifiers []uint32, m *messages.Message) bool {
	_, span := k.spans.start("process", trace.SpanKindConsumer, semconv.MessagingOperationTypeProcess, m)
	m.Span = spanOf(span)
	span.message = m.Span
	if m.QoS > 0 {
		span.arrived = time.Now()
	}
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
		fault = spanFault{fmt.Sprintf("0x%02x", p.Code), fmt.Sprintf("the broker refused it (code 0x%02x): %s", p.Code, p.Reason)}
	}
	end(k.spans, k.spans.commands, p.Receipt, fault)
	k.Sink.Published(p)
}
