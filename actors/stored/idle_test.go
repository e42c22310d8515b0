package stored_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors/stored"
	"chanmqttproxy/messages"
)

// TestIdle has targets at which somebody listens, or nobody, for different times.
func TestIdle(t *testing.T) {
	t.Parallel()
	began := time.Unix(1e9, 0)
	at := func(minutes int) time.Time { return began.Add(time.Duration(minutes) * time.Minute) }
	target := func(name string) messages.Target { return messages.Target{Name: name} }
	a, b := target("a"), target("b")
	stream := messages.Target{Kind: messages.Stream, Name: "s"}
	keys := slices.Values([]stored.Key{{Filter: "1", Target: a}, {Filter: "2", Target: a}, {Filter: "1", Target: b}, {Filter: "1", Target: stream}})
	i := stored.Idle{After: 10 * time.Minute}
	i.Seen(a, at(0))
	i.Seen(target("gone"), at(0))
	both := i.Targets(keys)
	if fmt.Sprint(both) != fmt.Sprint([]messages.Target{a, b}) {
		t.Fatalf("the targets are %v", both)
	}
	for _, step := range []struct {
		minute int
		live   []bool
		want   string
	}{
		{5, []bool{false, false}, "[]"}, // b is new
		{9, []bool{false, false}, "[]"},
		{10, []bool{true, false}, "[]"},
		{15, []bool{false, false}, fmt.Sprint([]messages.Target{b})},
		{19, []bool{false, false}, "[]"}, // b is new again
		{20, []bool{false, false}, fmt.Sprint([]messages.Target{a})},
	} {
		if got := fmt.Sprint(i.Looked(both, step.live, at(step.minute))); got != step.want {
			t.Errorf("minute %d: %s, want %s", step.minute, got, step.want)
		}
	}
	i.Seen(a, at(20))
	i.Postpone(5 * time.Minute)
	if got := i.Looked([]messages.Target{a}, []bool{false}, at(30)); got != nil {
		t.Errorf("postponed, and over: %v", got)
	}
	if got := i.Looked([]messages.Target{a}, []bool{false}, at(35)); len(got) != 1 {
		t.Errorf("after that: %v", got)
	}
}
