package main

import "fmt"

// A scenario is what the load generator does to whoever is measured.
type scenario struct {
	name     string
	args     string   // of the load generator
	capacity int      // of every queue; 0: the layer's default
	floors   []string // ways of running the floor; none: only the worker is measured
	timed    bool     // takes -dur and -warm
	parallel int      // threads or handlers of Python; 0: no Python takes part
	filters  int      // how many, where there are many
	restart  bool     // then the worker is started again, and timed until it is ready
	settings []string // of the worker
}

// The floor's three ways. A row's floor is the best of those that were measured.
var (
	ways    = []string{"", "-batch 64", "-mode client"}
	wide    = []string{"-batch 64", "-mode client -depth 2000"}
	oneWay  = []string{""}
	noFloor = []string{}
	// subscribes is a client that sends the SUBSCRIBEs of 100,000 filters, and no more.
	subscribes = []string{"SUBSCRIBE alone"}
	bare       = []string{"paho"} // a client of the site's own process
)

// steady is how many messages a second are sent while latency is measured.
const steady = 200

var scenarios = []scenario{
	{name: "in-0", args: "inbound -qos 0", floors: ways, timed: true},
	{name: "in-1", args: "inbound -qos 1", floors: ways, timed: true},
	{name: "in-0-wide", args: "inbound -qos 0 -window 2000", capacity: 20_000, floors: wide, timed: true},
	{name: "in-1-wide", args: "inbound -qos 1 -window 2000", capacity: 20_000, floors: wide, timed: true},
	members(10, 1), members(100, 1), members(1000, 1),
	members(10, 0), members(100, 0), members(1000, 0),
	{name: "filters-1", args: "subs -n 1", floors: noFloor, timed: true},
	{name: "filters-10", args: "subs -n 10", floors: noFloor, timed: true},
	{name: "filters-100", args: "subs -n 100", floors: noFloor, timed: true},
	{name: "filters-1k", args: "subs -n 1000", filters: 1000, floors: noFloor, timed: true},
	{name: "filters-10k", args: "subs -n 10000 -wait 300s", filters: 10_000, floors: noFloor, timed: true},
	{name: "filters-100k", args: "subs -n 100000 -wait 300s", filters: 100_000, floors: noFloor, timed: true, settings: []string{"MQTT_MAX_SUBSCRIPTIONS=200000"}},
	{name: "out-0", args: "outbound -qos 0", floors: oneWay, timed: true},
	{name: "out-1", args: "outbound -qos 1", floors: oneWay, timed: true},
	{name: "out-2", args: "outbound -qos 2", floors: oneWay, timed: true},
	{name: "latency-in", args: fmt.Sprintf("latency -rate %d", steady), floors: ways},
	{name: "latency-out", args: fmt.Sprintf("latency-out -qos 1 -rate %d", steady), floors: oneWay},
	{name: "idle", args: "idle", floors: noFloor},
	{name: "start", args: "subs -n 10000 -dur 0 -wait 300s", floors: noFloor, restart: true},
	{name: "start-100k", args: "subs -n 100000 -dur 0 -wait 300s", floors: subscribes, restart: true, settings: []string{"MQTT_MAX_SUBSCRIPTIONS=200000"}},
	{name: "view-1", args: "view", parallel: 1, floors: bare},
	{name: "view-8", args: "view", parallel: 8, floors: bare},
	{name: "handler-1", args: "handler", parallel: 1, floors: bare},
	{name: "handler-4", args: "handler", parallel: 4, floors: bare},
	{name: "handler-16", args: "handler", parallel: 16, floors: bare},
	{name: "state", args: "state", parallel: 1, floors: bare},
}

// members is an inbound scenario with so many members, of one process or of a
// process each.
func members(n, prefixes int) scenario {
	name := fmt.Sprintf("members-%d", n)
	if prefixes == 0 {
		name += "-apart"
	}
	return scenario{name: name, args: fmt.Sprintf("inbound -qos 0 -members %d -prefixes %d", n, prefixes), floors: ways, timed: true}
}

// A row of the table compares one figure of the worker with one of the floor, or
// of the worker itself elsewhere, or with nothing.
type row struct {
	name, what string
	figure     string // of the result lines
	scenario   string // in which the worker is measured
	against    string // scenario in which it is compared with itself; "": with the floor, if any
	way        string // of the floor with which it is compared; "": the best
	divide     float64
	target     target
}

// target is what a ratio, or a figure that is compared with nothing, is to be.
type target struct {
	limit float64
	most  bool // it may be that much; else it is at least that
	unit  string
}

// String is the target as the table says it.
func (t target) String() string {
	if t.most {
		return fmt.Sprintf("at most %g%s", t.limit, t.unit)
	}
	return fmt.Sprintf("at least %g%s", t.limit, t.unit)
}

func (t target) met(value float64) bool {
	return t.most && value <= t.limit || !t.most && value >= t.limit
}

const (
	rate = "msgs_per_s"
	cpu  = "worker_cpu_s_per_100k"
	rss  = "worker_rss_mb"
	p99  = "p99_ms"
)

func atLeast(limit float64) target { return target{limit: limit} }
func atMost(limit float64, unit string) target {
	return target{limit: limit, most: true, unit: unit}
}

var rows = []row{
	{name: "in-0", what: "inbound, QoS 0, one member", figure: rate, scenario: "in-0", target: atLeast(0.95)},
	{name: "in-1", what: "inbound, QoS 1, one member", figure: rate, scenario: "in-1", target: atLeast(0.95)},
	{name: "in-0-wide", what: "inbound, QoS 0, capacity 20,000", figure: rate, scenario: "in-0-wide", way: "-batch 64", target: atLeast(0.95)},
	{name: "in-0-wide-client", what: "the same", figure: rate, scenario: "in-0-wide", target: atLeast(0.9)},
	{name: "in-1-wide", what: "inbound, QoS 1, capacity 20,000", figure: rate, scenario: "in-1-wide", way: "-batch 64", target: atLeast(0.95)},
	{name: "in-1-wide-client", what: "the same", figure: rate, scenario: "in-1-wide", target: atLeast(0.9)},
	{name: "members-10", what: "inbound, 10 members of one process", figure: rate, scenario: "members-10", target: atLeast(0.95)},
	{name: "members-100", what: "inbound, 100 members of one process", figure: rate, scenario: "members-100", target: atLeast(0.95)},
	{name: "members-1000", what: "inbound, 1,000 members of one process", figure: rate, scenario: "members-1000", target: atLeast(0.95)},
	{name: "members-10-apart", what: "inbound, 10 processes", figure: rate, scenario: "members-10-apart", target: atLeast(0.95)},
	{name: "members-100-apart", what: "inbound, 100 processes", figure: rate, scenario: "members-100-apart", target: atLeast(0.95)},
	{name: "members-1000-apart", what: "inbound, 1,000 processes", figure: rate, scenario: "members-1000-apart", target: atLeast(0.95)},
	{name: "filters", what: "inbound over 10,000 filters, against one", figure: rate, scenario: "filters-10k", against: "filters-1", target: atLeast(0.7)},
	{name: "filters-ten", what: "inbound over 10,000 filters in ten groups, against ten filters in ten groups", figure: rate, scenario: "filters-10k", against: "filters-10", target: atLeast(0.95)},
	{name: "filters-1k", what: "inbound over 1,000 filters, against ten", figure: rate, scenario: "filters-1k", against: "filters-10", target: atLeast(0.95)},
	{name: "filters-cpu", what: "CPU of 100,000 messages at 100,000 filters, s, against 100 filters", figure: cpu, scenario: "filters-100k", against: "filters-100", target: atMost(1.5, "")},
	{name: "out-0", what: "outbound, QoS 0", figure: rate, scenario: "out-0", target: atLeast(0.9)},
	{name: "out-1", what: "outbound, QoS 1", figure: rate, scenario: "out-1", target: atLeast(0.95)},
	{name: "out-2", what: "outbound, QoS 2", figure: rate, scenario: "out-2", target: atLeast(0.95)},
	{name: "latency-in", what: "p99 of the latency inbound, 200 a second, ms", figure: p99, scenario: "latency-in", target: atMost(1.2, "")},
	{name: "latency-out", what: "p99 of the latency outbound, 200 a second, ms", figure: p99, scenario: "latency-out", target: atMost(1.2, "")},
	{name: "cpu-in", what: "CPU of 100,000 messages inbound, QoS 0, s", figure: cpu, scenario: "in-0", target: atMost(1.3, "")},
	{name: "cpu-in-wide", what: "the same, capacity 20,000", figure: cpu, scenario: "in-0-wide", target: atMost(1.3, "")},
	{name: "cpu-out", what: "CPU of 100,000 messages outbound, QoS 1, s", figure: cpu, scenario: "out-1", target: atMost(1.3, "")},
	{name: "idle", what: "memory, idle", figure: rss, scenario: "idle", target: atMost(30, " MB")},
	{name: "memory", what: "memory at 100,000 subscriptions", figure: rss, scenario: "filters-100k", target: atMost(180, " MB")},
	{name: "memory-each", what: "memory of one of 100,000 subscriptions", figure: rss, scenario: "filters-100k", against: "idle", divide: 100, target: atMost(1.2, " kB")},
	{name: "start", what: "start until ready, 10,000 subscriptions stored", figure: "ready_s", scenario: "start", target: atMost(1, " s")},
	{name: "start-100k", what: "start until all is granted, 100,000 subscriptions stored", figure: "ready_s", scenario: "start-100k", target: atMost(3, " s")},
	{name: "view-1", what: "publish from a view, QoS 1, one thread", figure: rate, scenario: "view-1", target: atLeast(0.3)},
	{name: "view-8", what: "the same, eight threads of a process", figure: rate, scenario: "view-8", target: atLeast(0.3)},
	{name: "handler-1", what: "handler that writes a row, one at a time", figure: rate, scenario: "handler-1", target: atLeast(0.5)},
	{name: "handler-4", what: "the same, four at once", figure: rate, scenario: "handler-4", target: atLeast(1)},
	{name: "handler-16", what: "the same, sixteen at once", figure: rate, scenario: "handler-16", target: atLeast(1)},
	{name: "state", what: "last message of each topic kept, 5,000 a second or more", figure: rate, scenario: "state", target: atLeast(5)},
}
