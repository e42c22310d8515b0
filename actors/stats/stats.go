package stats

import (
	"reflect"
	"sync/atomic"
)

// Stats counts what happened since the start. All fields may be read at any
// time.
type Stats struct {
	// Inbound messages: received from the broker, matched by no subscription,
	// written to queues of the layer, and written as bytes because they were not
	// what the subscription forces. BigNumbers are the integers beyond 64 bits in
	// them that were written as text.
	Received, Unmatched, Stored, Undecodable, BigNumbers atomic.Int64
	// Inbound messages that were dropped: at a full queue, where that was asked
	// for; from an overfull backlog; because they waited for too long; replaced
	// by a newer one of their topic; waiting for room when the worker stopped.
	Full, Overflowed, Expired, Replaced, Abandoned atomic.Int64
	// StreamsFull is how many streams have no room now.
	StreamsFull atomic.Int64
	// InOverflow is how many messages wait for room in a queue now; Paced is how many
	// wait for the end of a min_interval; WaitingBytes is the memory that they,
	// those that wait to be written, and what is noted for recipients, are taken to
	// occupy.
	InOverflow, Paced, WaitingBytes atomic.Int64
	// Recipients is how many wait for retained messages now; RetainedSent counts the
	// messages that they got, one for each recipient; RetainedInFlight is how many of those
	// that the broker has sent are under way to the layer.
	Recipients, RetainedSent, RetainedInFlight atomic.Int64
	// Commands: taken from the layer, invalid, not allowed, publishes that
	// took effect and those the broker refused, filters the broker refused.
	Commands, BadCommands, Denied, Published, PublishRefused, FilterRefused atomic.Int64
	// Pairs is how many pairs of filter and target there are, TooMany how many
	// subscribes were refused since there were too many.
	Pairs, TooMany atomic.Int64
	// Requests that were answered, and that were not in time.
	Responses, Timeouts atomic.Int64
	// Life: connections made, connections or attempts lost, losses of Redis, bugs,
	// messages to an actor that does not handle them.
	Connects, Disconnects, LayerLosses, Bugs, Unhandled atomic.Int64
	// UnderWayBytes is the size of the inbound messages of QoS 0 that are under
	// way from the connection to the layer.
	UnderWayBytes atomic.Int64
	Gauges
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
