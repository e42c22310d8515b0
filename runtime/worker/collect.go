package worker

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"chanmqttproxy/actors"
)

// metrics registers metrics that are read at each scrape. Labels are pairs of a name and a value.
type metrics struct{ registry *prometheus.Registry }

// count is a number that only grows.
func (m metrics) count(name, help string, n *atomic.Int64, labels ...string) {
	m.total(name, help, n.Load, labels...)
}

// total is a number that only grows, read from a function.
func (m metrics) total(name, help string, read func() int64, labels ...string) {
	m.registry.MustRegister(prometheus.NewCounterFunc(
		prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help, ConstLabels: pairs(labels)},
		func() float64 { return float64(read()) }))
}

// level is a number that grows and shrinks.
func (m metrics) level(name, help string, n *atomic.Int64, labels ...string) {
	m.gauge(name, help, func() float64 { return float64(n.Load()) }, labels...)
}

// limit is a configured bound.
func (m metrics) limit(name, help string, n int) {
	m.gauge(name, help, func() float64 { return float64(n) })
}

// truth is 1 or 0.
func (m metrics) truth(name, help string, is func() bool, labels ...string) {
	m.gauge(name, help, func() float64 {
		if is() {
			return 1
		}
		return 0
	}, labels...)
}

func (m metrics) gauge(name, help string, read func() float64, labels ...string) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help, ConstLabels: pairs(labels)}, read))
}

func pairs(labels []string) prometheus.Labels {
	p := prometheus.Labels{}
	for i := 0; i < len(labels); i += 2 {
		p[labels[i]] = labels[i+1]
	}
	return p
}

// described names a metric of a collector.
func described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// times collects one histogram of the actors.
type times struct {
	from     *actors.Histogram
	desc     *prometheus.Desc
	exemplar *exemplar // nil: there is none
}

// Describe implements prometheus.Collector.
func (t times) Describe(to chan<- *prometheus.Desc) { to <- t.desc }

// Collect implements prometheus.Collector.
func (t times) Collect(to chan<- prometheus.Metric) {
	count, sum, atMost := t.from.Read()
	metric := prometheus.MustNewConstHistogram(t.desc, count, sum, atMost)
	if t.exemplar != nil {
		metric = t.exemplar.on(metric)
	}
	to <- metric
}

// kinds collects a metric by kind of actor. The named kinds always have a value, so that the first
// event shows as a change.
type kinds struct {
	desc  *prometheus.Desc
	value prometheus.ValueType
	each  func(do func(kind string, n int64))
	named []string
}

// Describe implements prometheus.Collector.
func (k kinds) Describe(to chan<- *prometheus.Desc) { to <- k.desc }

// Collect implements prometheus.Collector.
func (k kinds) Collect(to chan<- prometheus.Metric) {
	numbers := map[string]int64{}
	for _, kind := range k.named {
		numbers[kind] = 0
	}
	k.each(func(kind string, n int64) { numbers[kind] = n })
	for kind, n := range numbers {
		to <- prometheus.MustNewConstMetric(k.desc, k.value, float64(n), kind)
	}
}
