package placement

import (
	"testing"
	"time"

	"chanmqttproxy/messages"
)

// A slot has of a filter what was published after its answer was read. Who is in the filter
// stays sure while others come to it.
func TestSurely(t *testing.T) {
	t.Parallel()
	const second = int64(time.Second)
	said := func(number uint64, granted bool) messages.FilterStatus {
		return messages.FilterStatus{Filter: "a", Number: number, Granted: granted}
	}
	var s status
	for _, step := range []struct {
		at      int64
		said    messages.FilterStatus
		since   int64 // of a message
		want    uint64
		because string
	}{
		{10 * second, said(3, false), 11 * second, 0, "it is not granted"},
		{20 * second, said(3, true), 0, 0, "nobody knows since when"},
		{20 * second, said(3, true), 20 * second, 0, "it may be older"},
		{20 * second, said(3, true), 21 * second, 3, "it is granted"},
		{30 * second, said(4, true), 25 * second, 3, "the first was in it"},
		{30*second + 1, said(5, true), 30*second + 1, 3, "the others came just now"},
		{30*second + 2, said(6, true), 31 * second, 6, "all are in it"},
		{40 * second, said(6, false), 41 * second, 0, "it is refused"},
		{50 * second, said(7, true), 45 * second, 0, "it was refused meanwhile"},
	} {
		s = s.next(step.said, 1, step.at, 0)
		if got := s.surely(step.since); got != step.want {
			t.Errorf("at %d, %s: up to %d, want %d", step.at/second, step.because, got, step.want)
		}
	}
}
