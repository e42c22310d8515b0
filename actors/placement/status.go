package placement

import (
	"time"

	"chanmqttproxy/messages"
)

// status is what a slot says of a filter.
type status struct {
	messages.FilterStatus
	slot  int
	since time.Time // when it was read
	// before is the number up to which the filter was surely granted there from that time on,
	// before this was read.
	before     uint64
	beforeFrom time.Time
	round      uint32
}

// next is what follows when a slot says something.
func (s *status) next(said messages.FilterStatus, slot int, now time.Time, round uint32) status {
	next := status{FilterStatus: said, slot: slot, since: now, before: s.before, beforeFrom: s.beforeFrom, round: round}
	switch {
	case s.FilterStatus == said:
		next.since = s.since
	case !s.Granted:
		next.before = 0
	case now.After(s.since.Add(SureAfter)):
		next.before, next.beforeFrom = s.Number, s.since.Add(SureAfter)
	}
	return next
}

// surely is the number up to which a slot had the filter for a while at that moment.
func (s *status) surely(at time.Time) uint64 {
	switch {
	case !s.Granted:
		return 0
	case at.After(s.since.Add(SureAfter)):
		return s.Number
	case at.After(s.beforeFrom):
		return s.before
	}
	return 0
}
