package stats

import (
	"sync"
	"sync/atomic"

	"chanmqttproxy/messages/topic"
)

// Gauges are the numbers of Stats that are more than one count: gauges, histograms and
// counters with a label.
type Gauges struct {
	// Settled is how many of the messages received need nothing more.
	Settled atomic.Int64
	// CommandsUnderWay is how many commands have been taken and are not done.
	CommandsUnderWay atomic.Int64
	// CommandBytes is how much memory these are taken to occupy: twice their sizes in
	// Redis.
	CommandBytes atomic.Int64
	// Acknowledgement is the time from the arrival of a message of QoS 1 or 2
	// until it may be acknowledged to the MQTT broker.
	Acknowledgement Histogram
	// Writing is the time from the arrival of a message until a target has it in
	// the layer.
	Writing Histogram
	// Restarts counts those of actors, by kind.
	Restarts Kinds
	// Counted are the filters of Options.Count; it is set at the start.
	Counted []*FilterCount
}

// FilterCount is how many messages were received whose topics a filter matches.
type FilterCount struct {
	Filter   string
	Received atomic.Int64
}

// Counting makes a counter for each filter.
func Counting(filters []string) (counted []*FilterCount) {
	for _, filter := range filters {
		counted = append(counted, &FilterCount{Filter: filter})
	}
	return counted
}

// Count counts a message by the filters that are counted.
func (g *Gauges) Count(name string) {
	for _, c := range g.Counted {
		if topic.Match(c.Filter, name) {
			c.Received.Add(1)
		}
	}
}

// Kinds counts something by one label, such as the kind of an actor: "connection", "group".
type Kinds struct{ counts sync.Map }

// Add counts one.
func (k *Kinds) Add(kind string) {
	count, _ := k.counts.LoadOrStore(kind, &atomic.Int64{})
	count.(*atomic.Int64).Add(1)
}

// Each calls do with each kind of which there was something.
func (k *Kinds) Each(do func(kind string, count int64)) {
	k.counts.Range(func(kind, count any) bool {
		do(kind.(string), count.(*atomic.Int64).Load())
		return true
	})
}
