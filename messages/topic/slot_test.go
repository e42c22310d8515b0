package topic_test

import (
	"fmt"
	"testing"

	"chanmqttproxy/messages/topic"
)

// Filters are spread evenly, and a further slot takes its share from all others and
// moves nothing between them.
func TestSlot(t *testing.T) {
	t.Parallel()
	const filters = 20_000
	for n := 1; n <= 12; n++ {
		counts := make([]int, n+1)
		for i := range filters {
			f := fmt.Sprintf("house/%d/+/temperature", i)
			was, is := topic.Slot(f, n), topic.Slot(f, n+1)
			if is != was && is != n {
				t.Fatalf("%s moves from %d to %d when slot %d is added", f, was, is, n)
			}
			counts[is]++
		}
		for slot, count := range counts {
			if share := filters / (n + 1); count < share*8/10 || count > share*12/10 {
				t.Errorf("%d of %d filters in slot %d of %d", count, filters, slot, n+1)
			}
		}
	}
}

// The places are those of all versions: stored subscriptions are found by them.
func TestSlotStays(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string][3]int{
		"": {1, 6, 44}, "a": {1, 3, 16}, "a/b": {1, 1, 199}, "#": {0, 6, 143}, "house/+/temperature": {1, 1, 168},
	} {
		if got := [3]int{topic.Slot(filter, 2), topic.Slot(filter, 8), topic.Slot(filter, 256)}; got != want {
			t.Errorf("%q: %v", filter, got)
		}
	}
}
