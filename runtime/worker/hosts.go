package worker

import (
	"github.com/prometheus/client_golang/prometheus"

	"chanmqttproxy/runtime/layer"
)

// hostMetrics are the metrics of each host of the layer.
var hostMetrics = []struct {
	desc  *prometheus.Desc
	value prometheus.ValueType
	of    func(layer.HostStats) float64
}{
	{ofHost("redis_round_trip_seconds", "How long it took for the last answer of Redis."),
		prometheus.GaugeValue, func(h layer.HostStats) float64 { return h.RoundTrip.Seconds() }},
	{ofHost("redis_clock_difference_seconds", "The time of Redis less that of the worker."),
		prometheus.GaugeValue, func(h layer.HostStats) float64 { return h.ClockDifference.Seconds() }},
	{ofHost("redis_trips_total", "How often something was written to Redis."),
		prometheus.CounterValue, func(h layer.HostStats) float64 { return float64(h.Trips) }},
	{ofHost("redis_writes_total", "How many writes went in all trips."),
		prometheus.CounterValue, func(h layer.HostStats) float64 { return float64(h.Writes) }},
	{ofHost("redis_failures_total", "How many trips failed in whole or in part."),
		prometheus.CounterValue, func(h layer.HostStats) float64 { return float64(h.Failures) }},
	{ofHost("redis_late_total", "How many writes Redis came to so late that it left them alone."),
		prometheus.CounterValue, func(h layer.HostStats) float64 { return float64(h.Late) }},
	{ofHost("redis_expired_total", "How many messages in Redis were dropped since nobody had read them for as long as messages live."),
		prometheus.CounterValue, func(h layer.HostStats) float64 { return float64(h.Expired) }},
}

func ofHost(name, help string) *prometheus.Desc { return described(name, help, "host") }

// hostStats collects them.
type hostStats struct{ read func() layer.Stats }

// Describe implements prometheus.Collector.
func (h hostStats) Describe(to chan<- *prometheus.Desc) {
	for _, m := range hostMetrics {
		to <- m.desc
	}
}

// Collect implements prometheus.Collector. It leaves out hosts that have not answered yet.
func (h hostStats) Collect(to chan<- prometheus.Metric) {
	told := map[string]bool{}
	for _, host := range h.read().Hosts {
		if !host.Known || told[host.Name] {
			continue // the same host may be given twice, for two databases
		}
		told[host.Name] = true
		for _, m := range hostMetrics {
			to <- prometheus.MustNewConstMetric(m.desc, m.value, m.of(host), host.Name)
		}
	}
}
