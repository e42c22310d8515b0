package kit

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector takes the spans that a program exports by OTLP over HTTP.
type Collector struct {
	t      testing.TB
	server *httptest.Server

	mu      sync.Mutex
	spans   []CollectedSpan
	headers http.Header
}

// CollectedSpan is one that was exported. Its numbers are in hexadecimal; Parent is
// empty where there is none.
type CollectedSpan struct {
	Service, Name     string
	Trace, ID, Parent string
	Kind              trace.Span_SpanKind
	Attributes        map[string]string
}

// NewCollector starts a collector; it is gone when the test ends.
func NewCollector(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{t: t}
	c.server = httptest.NewServer(http.HandlerFunc(c.export))
	t.Cleanup(c.server.Close)
	return c
}

// URL is its address, for OTEL_EXPORTER_OTLP_ENDPOINT.
func (c *Collector) URL() string { return c.server.URL }

// Spans are those that came so far.
func (c *Collector) Spans() []CollectedSpan {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]CollectedSpan(nil), c.spans...)
}

// Header is one of the last request.
func (c *Collector) Header(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.headers.Get(name)
}

// export answers one request as the protocol wants it.
func (c *Collector) export(w http.ResponseWriter, r *http.Request) {
	request, err := decoded(r)
	if err != nil {
		c.t.Errorf("exporting spans: %v", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = r.Header
	for _, of := range request.GetResourceSpans() {
		service := ""
		for _, a := range of.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, collected(service, s))
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	answer, _ := proto.Marshal(&collector.ExportTraceServiceResponse{})
	_, _ = w.Write(answer)
}

func decoded(r *http.Request) (*collector.ExportTraceServiceRequest, error) {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		return nil, fmt.Errorf("%s %s of %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = unzipped
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	request := &collector.ExportTraceServiceRequest{}
	return request, proto.Unmarshal(content, request)
}

func collected(service string, s *trace.Span) CollectedSpan {
	c := CollectedSpan{
		Service: service, Name: s.GetName(), Kind: s.GetKind(), Attributes: map[string]string{},
		Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
	}
	for _, a := range s.GetAttributes() {
		c.Attributes[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return c
}
