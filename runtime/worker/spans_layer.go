package worker

import (
	"context"
	"errors"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/telemetry"
)

// spanFault is why a span ended before its message was delivered. kind is its error.type, of which there
// are few.
type spanFault struct{ kind, text string }

// Error implements error.
func (f spanFault) Error() string { return f.text }

var (
	errNotTaken     = spanFault{"not_taken", "not taken: the worker stops, or too much of QoS 0 is under way (BACKLOG_MEMORY)"}
	errNotPublished = spanFault{"not_published", "not acknowledged by the broker: the answer to the command, or the log, says why"}
	errStopped      = spanFault{"stopped", "the worker stopped"}
)

// faultType is the error.type of a span.
func faultType(err error) string {
	var fault spanFault
	var layer *messages.LayerFailure
	switch {
	case errors.As(err, &fault):
		return fault.kind
	case errors.As(err, &layer) && layer.Answered:
		return "redis_error"
	case errors.As(err, &layer):
		return "redis_unreachable"
	default:
		return semconv.ErrorTypeOther.Value.AsString()
	}
}

// tracedLayer is a Layer of which the writes, and the commands that publish, are
// traced.
type tracedLayer struct {
	actors.Layer
	spans *spans
}

// OpenReader connects a reader whose commands are traced.
func (l tracedLayer) OpenReader(ctx context.Context, host int, lost func(error)) (actors.CommandReader, error) {
	r, err := l.Layer.OpenReader(ctx, host, lost)
	if err != nil {
		return nil, err
	}
	return tracedReader{r, l}, nil
}

type tracedReader struct {
	actors.CommandReader
	layer tracedLayer
}

// Receive starts the spans of commands, and puts them into their messages.
func (r tracedReader) Receive(ctx context.Context, limit int) ([]messages.Received, error) {
	received, err := r.CommandReader.Receive(ctx, limit)
	for _, one := range received {
		switch c := one.Command.(type) {
		case messages.PublishCommand:
			r.layer.start(one.Receipt, c.Message)
		case messages.RequestCommand:
			r.layer.start(one.Receipt, c.Message)
		}
	}
	return received, err
}

func (l tracedLayer) start(receipt messages.Receipt, m *messages.Message) {
	ctx, span := l.spans.start("publish", trace.SpanKindProducer, semconv.MessagingOperationTypeSend, m)
	telemetry.Inject(ctx, m)
	note(l.spans, l.spans.commands, receipt, span)
}

// Send writes a batch.
func (l tracedLayer) Send(ctx context.Context, b *messages.Batch) (messages.Outcome, error) {
	began := time.Now()
	outcome, err := l.Layer.Send(ctx, b)
	l.spans.sent(b, began, outcome, err)
	return outcome, err
}

// Acknowledge acknowledges commands. If a span is still open, the broker has not acknowledged its
// message: the message was refused here, or came too late.
func (l tracedLayer) Acknowledge(ctx context.Context, receipts []messages.Receipt) error {
	for _, receipt := range receipts {
		end(l.spans, l.spans.commands, receipt, errNotPublished)
	}
	return l.Layer.Acknowledge(ctx, receipts)
}

// AddDeadLetters ends the spans of commands that cannot be carried out.
func (l tracedLayer) AddDeadLetters(ctx context.Context, letters []messages.DeadLetter) error {
	for _, b := range letters {
		end(l.spans, l.spans.commands, b.Receipt, spanFault{"bad_command", b.Reason})
	}
	return l.Layer.AddDeadLetters(ctx, letters)
}
