package placement

import (
	"time"

	"chanmqttproxy/messages"
)

// stableAfter is how long something must have been said to count when something else is said.
const stableAfter = time.Second

// status is what a slot says of a filter.
type status struct {
	messages.FilterStatus
	slot  int
	since int64 // when it was read
	// before is the number up to which the filter was granted there from that time on, when
	// something else was said: who is in it stays sure, however often others come.
	before     uint64
	beforeFrom int64
	round      uint32
}

// next is what follows when a slot says something.
func (s *status) next(newer messages.FilterStatus, slot int, now int64, round uint32) status {
	next := status{FilterStatus: newer, slot: slot, since: now, before: s.before, beforeFrom: s.beforeFrom, round: round}
	switch {
	case s.FilterStatus == newer:
		next.since = s.since
	case !s.Granted:
		next.before = 0
	case now-s.since > int64(stableAfter):
		next.before, next.beforeFrom = s.Number, s.since
	}
	return next
}

// surely is the number up to which a slot has all of the filter that was published after that
// moment; 0: it is not known.
func (s *status) surely(at int64) uint64 {
	switch {
	case !s.Granted || at == 0:
		return 0
	case at > s.since:
		return s.Number
	case at > s.beforeFrom:
		return s.before
	}
	return 0
}
