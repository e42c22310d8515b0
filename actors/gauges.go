package actors

import (
	"math/bits"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Gauges are those numbers of Stats that more than a count is made of.
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
	// Counted are the filters of Options.Count; it is set by Start.
	Counted []*FilterCount
}

// FilterCount is how many messages were received whose topics a filter matches.
type FilterCount struct {
	Filter   string
	Received atomic.Int64
}

func counting(filters []string) (counted []*FilterCount) {
	for _, filter := range filters {
		counted = append(counted, &FilterCount{Filter: filter})
	}
	return counted
}

// count counts a message by the filters that are counted.
func (g *Gauges) count(name string) {
	for _, c := range g.Counted {
		if topic.Match(c.Filter, name) {
			c.Received.Add(1)
		}
	}
}

// histogramUnit is the upper bound of a Histogram's first bucket. Each bound is
// twice the one before.
const histogramUnit = 100 * time.Microsecond

// histogramBounds is how many bounds there are: up to 52 s.
const histogramBounds = 20

// Histogram counts times. It may be used from anywhere at any time, and costs a
// few nanoseconds.
type Histogram struct {
	buckets [histogramBounds + 1]atomic.Uint64
	sum     atomic.Int64
}

// Observe counts one time.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	i := bits.Len64(uint64(max(d-1, 0) / histogramUnit))
	h.buckets[min(i, histogramBounds)].Add(1)
	h.sum.Add(int64(d))
}

// Read returns how many times there were, their sum in seconds, and how many
// were at most as long as each bound, in seconds.
func (h *Histogram) Read() (count uint64, sum float64, atMost map[float64]uint64) {
	atMost = map[float64]uint64{}
	bound := histogramUnit
	for i := range histogramBounds {
		count += h.buckets[i].Load()
		atMost[float64(bound)/1e9] = count // which is the bound as one writes it
		bound *= 2
	}
	count += h.buckets[histogramBounds].Load()
	return count, time.Duration(h.sum.Load()).Seconds(), atMost
}

// Kinds counts something by kinds of actors, such as "session" and "group".
type Kinds struct{ counts sync.Map }

func (k *Kinds) add(kind string) {
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

// kindOf is the kind of the actor with a path: "group" of "bridge/groups/group:a~1".
func kindOf(path string) string {
	name := path[strings.LastIndexByte(path, '/')+1:]
	kind, _, _ := strings.Cut(name, ":")
	return kind
}

// began is what arrivals are measured from: an int64 is enough then.
var began = time.Now()

// arrival is a moment for a token, in nanoseconds, and for what there may be a hundred
// thousand of.
func arrival(t time.Time) int64 { return int64(t.Sub(began)) }

// measure notes how long those messages took that a write has brought to queues.
// Answers, and what was retained, are not on their way from somebody.
func (d *env) measure(b *messages.Batch, o messages.Outcome) {
	written, now := b.Bundles, time.Now()
	if b.Queue != nil && len(o.Refused) > 0 {
		written = written[:o.Refused[0].From]
	}
	for _, bundle := range written {
		for _, e := range bundle.Events {
			if e.Body == nil && !e.Message.Retain {
				d.Stats.Writing.Observe(now.Sub(e.Message.At))
			}
		}
	}
}

// Numbers are all counters of Stats, by name.
func (s *Stats) Numbers() map[string]int64 {
	numbers := map[string]int64{}
	v := reflect.ValueOf(s).Elem()
	for _, field := range reflect.VisibleFields(v.Type()) {
		if n, ok := v.FieldByIndex(field.Index).Addr().Interface().(*atomic.Int64); ok {
			numbers[field.Name] = n.Load()
		}
	}
	return numbers
}
