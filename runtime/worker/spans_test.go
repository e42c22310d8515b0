package worker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/worker"
	"chanmqttproxy/test/kit"
	"chanmqttproxy/test/probe"
)

const (
	deviceTrace = "0af7651916cd43dd8448eb211c80319c"
	deviceSpan  = "b7ad6b7169203331"
	secretBody  = "secret-payload"
)

// traced is a tree between two stand-ins whose spans end in memory.
type traced struct {
	*testing.T
	layer  *probe.Layer
	broker *probe.Broker
	spans  worker.Spans
	ended  *tracetest.InMemoryExporter
}

func newTraced(t *testing.T, change func(*actors.Options)) *traced {
	t.Helper()
	f := &traced{T: t, layer: probe.NewLayer(), broker: probe.NewBroker(), ended: tracetest.NewInMemoryExporter()}
	o := actors.Options{Layer: f.layer, MQTT: f.broker}
	if change != nil {
		change(&o)
	}
	f.spans = worker.NewSpans(sdk.NewTracerProvider(sdk.WithSyncer(f.ended)), &o)
	slot := actors.New(o).Start(o)
	t.Cleanup(func() {
		slot.Shutdown()
		<-slot.Done()
	})
	f.eventually("connected", f.broker.Connected)
	return f
}

func (f *traced) eventually(what string, condition func() bool) {
	f.Helper()
	kit.Eventually(f, 20*time.Second, what, condition)
}

// subscribe has groups get a filter.
func (f *traced) subscribe(filter string, groups ...string) {
	f.Helper()
	c := messages.SubscribeCommand{Filter: filter, Options: messages.Options{QoS: 1}}
	for _, g := range groups {
		c.Targets = append(c.Targets, messages.Target{Name: g})
	}
	receipt := f.layer.Put(c)
	f.eventually("subscribed", func() bool { return f.layer.Acked(receipt) })
}

// operation is what a span is of: "process", "send" or "publish".
func operation(s tracetest.SpanStub) string { return attributeOf(s, "messaging.operation.name") }

// named are the spans of an operation that have ended, when there are as many.
func (f *traced) named(name string, n int) (found tracetest.SpanStubs) {
	f.Helper()
	f.eventually(fmt.Sprintf("%d spans %s", n, name), func() bool {
		found = slices.DeleteFunc(f.ended.GetSpans(), func(s tracetest.SpanStub) bool { return operation(s) != name })
		return len(found) >= n
	})
	if len(found) != n {
		f.Errorf("%d spans %s, want %d", len(found), name, n)
	}
	return found
}

// fromDevice is a message whose publisher says in which trace it is.
func fromDevice(topic string, qos byte, flags string) messages.Message {
	return messages.Message{Topic: topic, QoS: qos, Payload: []byte(secretBody), Properties: &messages.Properties{UserProperties: []messages.UserProperty{
		{Key: "room", Value: "hall"}, {Key: "traceparent", Value: "00-" + deviceTrace + "-" + deviceSpan + "-" + flags}, {Key: "tracestate", Value: "vendor=x"},
	}}}
}

func attributeOf(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

// TestInbound: a message's span continues the device's trace, and each group's write
// is a child of it. Who subscribes sees what the device has written.
func TestInbound(t *testing.T) {
	t.Parallel()
	f := newTraced(t, nil)
	f.subscribe("house/#", "a", "b")
	f.broker.Send(fromDevice("house/lamp", 1, "01"))
	process := f.named("process", 1)[0]
	if process.Parent.SpanID().String() != deviceSpan || !process.Parent.IsRemote() || process.SpanContext.TraceID().String() != deviceTrace {
		t.Errorf("the span's parent is %+v", process.Parent)
	}
	if process.SpanKind.String() != "consumer" || attributeOf(process, "messaging.system") != "mqtt" || attributeOf(process, "messaging.destination.name") != "house/lamp" {
		t.Errorf("%v %+v", process.SpanKind, process.Attributes)
	}
	var to []string
	for _, send := range f.named("send", 2) {
		if send.Parent.SpanID() != process.SpanContext.SpanID() || send.SpanContext.TraceID() != process.SpanContext.TraceID() || send.SpanContext.TraceState().String() != "vendor=x" {
			t.Errorf("a write's parent is %+v", send.Parent)
		}
		if send.StartTime.Before(process.StartTime) || send.EndTime.Before(send.StartTime) || process.EndTime.Before(send.EndTime) {
			t.Errorf("a write from %v to %v in a message from %v to %v", send.StartTime, send.EndTime, process.StartTime, process.EndTime)
		}
		to = append(to, attributeOf(send, "messaging.destination.name"))
	}
	if slices.Sort(to); !slices.Equal(to, []string{"group/a", "group/b"}) {
		t.Errorf("written to %q", to)
	}
	want := fromDevice("", 0, "01").Properties.UserProperties
	if got := f.layer.Sent(messages.Target{Name: "a"})[0].Message.Properties.UserProperties; !slices.Equal(got, want) {
		t.Errorf("the group sees %v", got)
	}
	if all := fmt.Sprintf("%+v", f.ended.GetSpans()); strings.Contains(all, secretBody) {
		t.Error("a payload is in a span")
	}
}

// TestOutbound: a command's span continues the site's trace, and the message says so.
func TestOutbound(t *testing.T) {
	t.Parallel()
	f := newTraced(t, nil)
	m := fromDevice("house/lamp/set", 1, "01")
	f.layer.Put(messages.PublishCommand{Message: &m})
	span := f.named("publish", 1)[0]
	if span.Parent.SpanID().String() != deviceSpan || span.SpanContext.TraceID().String() != deviceTrace || span.SpanKind.String() != "producer" || span.Status.Code != codes.Unset {
		t.Errorf("%+v", span)
	}
	want := []messages.UserProperty{
		{Key: "room", Value: "hall"}, {Key: "tracestate", Value: "vendor=x"},
		{Key: "traceparent", Value: "00-" + deviceTrace + "-" + span.SpanContext.SpanID().String() + "-01"},
	}
	if got := f.broker.Published()[0].Message.Properties.UserProperties; !slices.Equal(got, want) {
		t.Errorf("published with %v, want %v", got, want)
	}
}

// TestUnpublished: the spans of commands that were not published say why, also where
// the worker stops before.
func TestUnpublished(t *testing.T) {
	t.Parallel()
	f := newTraced(t, func(o *actors.Options) { o.AllowPublish, o.DrainTimeout = []string{"house/#"}, time.Millisecond })
	f.broker.RefusePublish("house/refused", 0x87)
	for name, want := range map[string]string{"elsewhere": "not acknowledged", "house/refused": "0x87"} {
		f.ended.Reset()
		f.layer.Put(messages.PublishCommand{Message: &messages.Message{Topic: name, QoS: 1}})
		if span := f.named("publish", 1)[0]; span.Status.Code != codes.Error || !strings.Contains(span.Status.Description, want) {
			t.Errorf("%s: %+v", name, span.Status)
		}
	}
	f.ended.Reset()
	f.broker.Hold(true)
	f.layer.Put(messages.PublishCommand{Message: &messages.Message{Topic: "house/held", QoS: 1}})
	f.eventually("under way", func() bool { return f.spans.Open() == 1 })
	f.spans.Close()
	if span := f.named("publish", 1)[0]; span.Status.Description != "the worker stopped" {
		t.Errorf("%+v", span.Status)
	}
}

// TestUnsampled: what the device does not want traced is not, and what is published goes
// on saying so.
func TestUnsampled(t *testing.T) {
	t.Parallel()
	f := newTraced(t, nil)
	f.subscribe("house/#", "a")
	f.broker.Send(fromDevice("house/lamp", 1, "00"))
	m := fromDevice("house/lamp/set", 1, "00")
	f.layer.Put(messages.PublishCommand{Message: &m})
	f.eventually("published", func() bool { return len(f.broker.Published()) == 1 && len(f.broker.Acked()) == 1 })
	if n := len(f.ended.GetSpans()) + f.spans.Open(); n != 0 {
		t.Errorf("%d spans", n)
	}
	got := f.broker.Published()[0].Message.Properties.UserProperties
	if last := got[len(got)-1].Value; !strings.HasPrefix(last, "00-"+deviceTrace) || !strings.HasSuffix(last, "-00") {
		t.Errorf("published with %v", got)
	}
}

// TestEveryMessageEnds: the spans of messages that nobody gets end too, and those of
// messages that wait for room before they are written.
func TestEveryMessageEnds(t *testing.T) {
	t.Parallel()
	f := newTraced(t, nil)
	f.subscribe("house/#", "a")
	group := messages.Target{Name: "a"}
	f.layer.Queues(group, "specific.x!")
	f.layer.Room("specific.x!", 0)
	f.broker.Send(messages.Message{Topic: "else\xffwhere", QoS: 1})
	f.broker.Send(messages.Message{Topic: "house/lamp"})
	for _, s := range f.named("process", 2) {
		if name := attributeOf(s, "messaging.destination.name"); !utf8.ValidString(name) {
			t.Errorf("an attribute that cannot be exported: %q", name)
		}
	}
	f.eventually("no open span", func() bool { return f.spans.Open() == 0 })
	f.layer.Room("specific.x!", 10)
	f.eventually("written", func() bool {
		return slices.ContainsFunc(f.ended.GetSpans(), func(s tracetest.SpanStub) bool {
			return operation(s) == "send" && attributeOf(s, "chanmqttproxy.queue") == "specific.x!" && attributeOf(s, "chanmqttproxy.queues_full") == ""
		})
	})
	parent := ""
	for _, s := range f.ended.GetSpans() {
		switch {
		case operation(s) == "process" && attributeOf(s, "messaging.destination.name") == "house/lamp":
			parent = s.SpanContext.SpanID().String()
		case operation(s) == "send" && attributeOf(s, "chanmqttproxy.queue") == "" && attributeOf(s, "chanmqttproxy.queues_full") != "1":
			t.Errorf("the first write: %+v", s.Attributes)
		}
	}
	for _, s := range f.ended.GetSpans() {
		if operation(s) == "send" && s.Parent.SpanID().String() != parent {
			t.Errorf("a write's parent is %v, want %s", s.Parent.SpanID(), parent)
		}
	}
}
