package worker

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"chanmqttproxy/messages"
)

// namedStreams is how many streams have metrics. Site code names them, so there may be any number.
const namedStreams = 100

var (
	streamMessages = described("stream_messages", "Messages of a stream that its readers have not deleted; of the first 100 streams by name.", "stream")
	streamBytes    = described("stream_bytes", "Bytes that these have.", "stream")
	streamLetters  = described("stream_dead_letters", "Messages that the stream's readers could not do.", "stream")
)

// streamFill collects how full the streams are. It collects nothing while Redis does not answer.
type streamFill struct {
	look func(context.Context) ([]messages.StreamInfo, error)
}

// Describe implements prometheus.Collector.
func (s streamFill) Describe(to chan<- *prometheus.Desc) {
	to <- streamMessages
	to <- streamBytes
	to <- streamLetters
}

// Collect implements prometheus.Collector.
func (s streamFill) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	list, err := s.look(ctx)
	if err != nil {
		return // another metric shows that Redis is unreachable
	}
	for _, f := range list[:min(len(list), namedStreams)] {
		to <- prometheus.MustNewConstMetric(streamMessages, prometheus.GaugeValue, float64(f.Messages), f.Name)
		to <- prometheus.MustNewConstMetric(streamBytes, prometheus.GaugeValue, float64(f.Bytes), f.Name)
		to <- prometheus.MustNewConstMetric(streamLetters, prometheus.GaugeValue, float64(f.DeadLetters), f.Name)
	}
}
