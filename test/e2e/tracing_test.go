package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/paho"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

const (
	originTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	originSpan  = "00f067aa0ba902b7"
	origin      = "00-" + originTrace + "-" + originSpan + "-01"
)

// tracedDeployment is a worker between a Redis and a mosquitto that is told by its
// environment alone to trace.
func tracedDeployment(t *testing.T, env ...string) *testCase {
	t.Helper()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	s := &deployment{redis: redis, broker: broker.Addr(), worker: run(t, redis, broker.URL(), env...)}
	testCase := s.testCase(t)
	testCase.subscribes(testCase.topic + "/in")
	return testCase
}

// TestTrace: from a device to Redis, on by the site, and from its command to another
// device there is one trace, of which a collector gets the worker's spans.
func TestTrace(t *testing.T) {
	t.Parallel()
	collector, listen := kit.NewCollector(t), fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	s := tracedDeployment(t, "HTTP_LISTEN="+listen, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL(), "OTEL_EXPORTER_OTLP_HEADERS=x-key=42",
		"OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_SERVICE_NAME=bridge", "MQTT_SESSIONS=2", "OTEL_TRACES_SAMPLER=parentbased_always_off")
	sender, lamp := kit.NewDevice5(t, s.broker), kit.NewDevice5(t, s.broker)
	lamp.Listen(s.topic+"/out", 1)

	sender.Publish(&paho.Publish{Topic: s.topic + "/other", QoS: 1, Payload: []byte("in no trace")})
	in := &paho.PublishProperties{}
	in.User.Add("traceparent", origin)
	sender.Publish(&paho.Publish{Topic: s.topic + "/in", QoS: 1, Payload: []byte("on"), Properties: in})
	s.expect(s.topic + "/in=on")

	// The site sees what the device wrote, and goes on from there.
	properties, _ := value(kit.Event(t, s.received()[len(s.received())-1]), "properties").(messages.Map)
	if got := fmt.Sprint(value(properties, "user_properties")); got != "[[traceparent "+origin+"]]" {
		t.Fatalf("the site sees %s", got)
	}
	command := kit.Publish(s.topic+"/out", "on", 1)
	publish := with(value(command, "publish").(messages.Map), messages.Map{pair("user_properties", messages.Map{pair("traceparent", origin)})})
	s.succeeds(with(command, messages.Map{pair("publish", publish)}), "mqtt.published")
	s.await("the message comes", func() bool { return len(lamp.Heard()) == 1 })
	s.await("both times lead to the trace", func() bool {
		metrics := openMetrics(t, listen)
		return exampleOf("delivery_seconds").MatchString(metrics) && exampleOf("acknowledgement_seconds").MatchString(metrics)
	})
	s.worker.Stop()

	spans := map[string]kit.CollectedSpan{}
	for _, span := range collector.Spans() {
		operation := span.Attributes["messaging.operation.name"]
		if span.Trace != originTrace || span.Service != "bridge" || spans[operation].Name != "" {
			t.Errorf("a span that there should not be: %+v", span)
		}
		spans[operation] = span
	}
	process, send, out := spans["process"], spans["send"], spans["publish"]
	if process.Name != "process "+s.topic+"/in" || send.Name != "send group/{name}" || out.Name != "publish "+s.broker {
		t.Errorf("the spans are called %q, %q and %q", process.Name, send.Name, out.Name)
	}
	if process.Parent != originSpan || process.Kind != otlp.Span_SPAN_KIND_CONSUMER || process.Attributes["messaging.destination.name"] != s.topic+"/in" {
		t.Errorf("the message in: %+v", process)
	}
	if send.Parent != process.ID || send.Attributes["messaging.destination.name"] != "group/"+s.topic {
		t.Errorf("the write to Redis: %+v, not of %s", send, process.ID)
	}
	if out.Parent != originSpan || out.Kind != otlp.Span_SPAN_KIND_PRODUCER || out.Attributes["messaging.destination.name"] != s.topic+"/out" {
		t.Errorf("the message out: %+v", out)
	}
	heard := lamp.Heard()[0].Properties.User
	if got := heard.GetAll("traceparent"); !slices.Equal(got, []string{"00-" + originTrace + "-" + out.ID + "-01"}) {
		t.Errorf("the other device sees %q", got)
	}
	if collector.Header("x-key") != "42" {
		t.Error("OTEL_EXPORTER_OTLP_HEADERS is not sent")
	}
}

// exampleOf is a histogram's count with an exemplar of the device's trace.
func exampleOf(histogram string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^chanmqttproxy_` + histogram + `_bucket\{le="[^"]+"\} \d+ # \{.*trace_id="` + originTrace + `".*\} \S+ \S+$`)
}

// openMetrics are the metrics as somebody gets them who asks for OpenMetrics.
func openMetrics(t *testing.T, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if kind := answer.Header.Get("Content-Type"); err != nil || !strings.HasPrefix(kind, "application/openmetrics-text") || !strings.HasSuffix(string(body), "# EOF\n") {
		t.Errorf("the metrics are %q, and end with %q (%v)", kind, body[max(0, len(body)-20):], err)
	}
	return string(body)
}

// TestTraceToSilence: a collector that does not answer costs spans and nothing else,
// and the worker stops in its time.
func TestTraceToSilence(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := tracedDeployment(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://"+silent.Addr().String()+"/v1/traces", "OTEL_TRACES_SAMPLER=sometimes", "SHUTDOWN_TIMEOUT=1s")
	logs(t, s.worker, "unsupported sampler")
	s.device().Publish(s.topic+"/in", 1, "on")
	s.expect(s.topic + "/in=on")
	s.worker.Stop()
	if !strings.Contains(s.worker.Output(), "the last traces were not exported") {
		t.Error("nothing is said of the collector")
	}
}

// TestTraceToConsole writes what passes to standard output, and nothing of payloads.
func TestTraceToConsole(t *testing.T) {
	t.Parallel()
	s := tracedDeployment(t, "OTEL_TRACES_EXPORTER=console", "OTEL_BSP_SCHEDULE_DELAY=100")
	s.device().Publish(s.topic+"/in", 1, "secret-payload")
	s.expect(s.topic + "/in=secret-payload")
	logs(t, s.worker, `"Name":"process `)
	s.worker.Stop()
	if strings.Contains(s.worker.Output(), "secret-payload") {
		t.Error("a payload is in a span")
	}
}
