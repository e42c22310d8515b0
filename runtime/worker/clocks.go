package worker

import (
	"time"

	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/status"
)

// noted adds to readiness which clock is off. The worker is ready all the same: starting it
// again would not help the site's messages.
func noted(r status.Readiness, s layer.Stats) status.Readiness {
	if off := layer.Clocks(workerSkew(s), s.Site); off != "" {
		r.Notes = append(r.Notes, off)
	}
	return r
}

// workerSkew is how far the clock of this machine is ahead of that of the layer's first host; 0:
// it is not known.
func workerSkew(s layer.Stats) time.Duration {
	if len(s.Hosts) == 0 || !s.Hosts[0].Known {
		return 0
	}
	return -s.Hosts[0].ClockDifference
}

// clocks are how far clocks are ahead of that of Redis.
func (t metricSource) clocks(m metrics) {
	const help = "How far a clock is ahead of that of Redis: that of the site whose commands came furthest off, and that of the worker."
	m.gauge("clock_skew_seconds", help, func() float64 { return t.layer().Site.Skew().Seconds() }, "of", "site")
	m.gauge("clock_skew_seconds", help, func() float64 { return workerSkew(t.layer()).Seconds() }, "of", "worker")
}
