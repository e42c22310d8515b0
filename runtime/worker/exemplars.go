package worker

import (
	"encoding/hex"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chanmqttproxy/messages"
)

// exemplars are the newest traced messages in the histograms. They lead from a metric to a trace, in
// the OpenMetrics format. nil: messages are not traced.
type exemplars struct{ delivery, acknowledgement exemplar }

// exemplar is the newest of one histogram.
type exemplar struct {
	atomic.Pointer[prometheus.Exemplar]
}

// note makes m the newest message. Its time is from its arrival until now.
func (e *exemplar) note(of *messages.Span, arrived, now time.Time) {
	e.Store(&prometheus.Exemplar{
		Value: now.Sub(arrived).Seconds(), Timestamp: now,
		Labels: prometheus.Labels{"trace_id": hex.EncodeToString(of.Trace[:]), "span_id": hex.EncodeToString(of.ID[:])},
	})
}

// on adds the newest message, if there is one, to a histogram.
func (e *exemplar) on(m prometheus.Metric) prometheus.Metric {
	newest := e.Load()
	if newest == nil {
		return m
	}
	with, err := prometheus.NewMetricWithExemplars(m, *newest)
	if err != nil {
		return m // it has labels that Prometheus does not take: never
	}
	return with
}
