package main

// row is one line of the table: a scenario of the load generator, what is read of its
// result, and what the ratio of worker and floor is to be.
type row struct {
	name, what string
	load       []string // its arguments
	capacity   int      // of the layer's queues; 0: the default
	floors     []string // the modes of the floor; none: there is only the worker
	metric     string
	unit       string
	target     float64
	atMost     bool // the ratio is to be at most the target, else at least
	// against is the row whose result of the worker stands in the place of the floor;
	// "": a row without floors has a target in its own unit.
	against string
	ready   bool // how long a worker takes to be ready again, after the load
}

// all are the modes of the floor; the best one counts.
var all = []string{"", "-batch 64", "-mode client"}

func inbound(more ...string) []string { return append([]string{"inbound"}, more...) }

var rows = []row{
	{name: "in-0", what: "in, QoS 0, one member", load: inbound("-qos", "0"), floors: all, metric: "msgs_per_s", unit: "messages/s", target: 0.9},
	{name: "in-1", what: "in, QoS 1, one member", load: inbound("-qos", "1"), floors: all, metric: "msgs_per_s", unit: "messages/s", target: 0.9},
	{name: "in-large", what: "in, capacity 20,000, window 2,000", load: inbound("-window", "2000"), capacity: 20_000, floors: []string{"-batch 64"}, metric: "msgs_per_s", unit: "messages/s", target: 0.85},
	{name: "in-10", what: "in, 10 members of one process", load: inbound("-members", "10"), floors: all, metric: "msgs_per_s", unit: "messages/s", target: 0.95},
	{name: "in-100", what: "in, 100 members of one process", load: inbound("-members", "100"), floors: all, metric: "msgs_per_s", unit: "messages/s", target: 0.95},
	{name: "in-1000", what: "in, 1,000 members of one process", load: inbound("-members", "1000"), floors: all, metric: "msgs_per_s", unit: "messages/s", target: 0.95},
	{name: "in-10x", what: "in, 10 members in 10 processes", load: inbound("-members", "10", "-prefixes", "0"), floors: all, metric: "msgs_per_s", unit: "messages/s", target: 0.95},
	{name: "in-100x", what: "in, 100 members in 100 processes", load: inbound("-members", "100", "-prefixes", "0"), floors: all, metric: "msgs_per_s", unit: "messages/s", target: 0.95},
	{name: "in-1000x", what: "in, 1,000 members in 1,000 processes", load: inbound("-members", "1000", "-prefixes", "0"), floors: all, metric: "msgs_per_s", unit: "messages/s", target: 0.95},
	{name: "filters-1", what: "in, one filter, random topics", load: []string{"subs", "-n", "10"}, metric: "msgs_per_s", unit: "messages/s"},
	{name: "filters-10k", what: "in, 10,000 filters, random topics (against ten)", load: []string{"subs", "-n", "10000"}, metric: "msgs_per_s", unit: "messages/s", target: 0.85, against: "filters-1"},
	{name: "out-0", what: "out, QoS 0", load: []string{"outbound", "-qos", "0"}, floors: all[:1], metric: "msgs_per_s", unit: "messages/s", target: 0.9},
	{name: "out-1", what: "out, QoS 1", load: []string{"outbound", "-qos", "1"}, floors: all[:1], metric: "msgs_per_s", unit: "messages/s", target: 0.9},
	{name: "out-2", what: "out, QoS 2", load: []string{"outbound", "-qos", "2"}, floors: all[:1], metric: "msgs_per_s", unit: "messages/s", target: 0.9},
	{name: "late-in", what: "latency in, p99 at 2,000 messages/s", load: []string{"latency", "-rate", "2000", "-dur", "10s"}, floors: all, metric: "p99_ms", unit: "ms", target: 1.5, atMost: true},
	{name: "late-out", what: "latency out, p99 at 2,000 commands/s", load: []string{"latency-out", "-rate", "2000", "-dur", "10s"}, floors: all[:1], metric: "p99_ms", unit: "ms", target: 1.5, atMost: true},
	{name: "cpu-in", what: "CPU of the worker, in, QoS 0", load: inbound("-qos", "0"), floors: all, metric: "worker_cpu_s_per_100k", unit: "s per 100,000", target: 1.3, atMost: true},
	{name: "idle", what: "memory, idle", load: []string{"idle"}, metric: "worker_rss_mb", unit: "MB", target: 30, atMost: true},
	{name: "many", what: "memory with 100,000 subscriptions", load: []string{"subs", "-n", "100000", "-dur", "2s", "-wait", "300s"}, metric: "worker_rss_mb", unit: "MB", target: 300, atMost: true},
	{name: "ready", what: "start to ready with 10,000 stored subscriptions", load: []string{"subs", "-n", "10000", "-dur", "0"}, metric: "ready_s", unit: "s", target: 1, atMost: true, ready: true},
}
