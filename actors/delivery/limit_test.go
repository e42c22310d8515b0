package delivery_test

import (
	"testing"
	"time"

	"chanmqttproxy/actors/delivery"
	"chanmqttproxy/actors/stats"
	"chanmqttproxy/messages"
)

// TestLimit writes many messages, and sees how many go together once it is known what one costs.
func TestLimit(t *testing.T) {
	const first, n, names = 64, 300, 80 // n: more than any limit
	full := []messages.FullQueue{{Queue: messages.Queue{Name: "specific.a!"}}}
	for name, test := range map[string]struct {
		kind    messages.TargetKind
		only    []string
		outcome messages.Outcome
		want    int
	}{
		"one queue":                    {outcome: messages.Outcome{Stored: first}, want: 256},
		"with a name":                  {outcome: messages.Outcome{Stored: first, NameBytes: first * names}, want: 237},
		"two queues":                   {outcome: messages.Outcome{Stored: 2 * first, NameBytes: 2 * first * names}, want: 118},
		"many queues":                  {outcome: messages.Outcome{Stored: 1000 * first, NameBytes: 1000 * first * names}, want: first},
		"many names in one queue":      {outcome: messages.Outcome{Stored: first, NameBytes: first * 1000 * names}, want: first},
		"nobody":                       {outcome: messages.Outcome{}, want: first},
		"a queue that had no room":     {outcome: messages.Outcome{Stored: first, FullQueues: full}, want: first},
		"a stream":                     {kind: messages.Stream, outcome: messages.Outcome{Stored: first}, want: first},
		"a write to some of the group": {only: []string{"specific.a!1"}, outcome: messages.Outcome{Stored: first}, want: first},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stats.Stats{}
			group := delivery.New(messages.Target{Kind: test.kind, Name: "alerts"}, &delivery.Limits{
				Backlog: n, Overflow: n, Expiry: time.Minute, Budget: stats.Budget{Held: &s.WaitingBytes, Limit: 1 << 20}, Stats: s,
			})
			for i := range n {
				group.Add(deliver(i, nil))
			}
			batch := group.Next()
			if len(batch.Bundles) != first {
				t.Fatalf("the first batch has %d messages, want %d", len(batch.Bundles), first)
			}
			batch.Only = test.only
			if next := group.Written(batch, test.outcome, time.Now()).Write; len(next.Bundles) != min(test.want, n-first) {
				t.Errorf("the next batch has %d messages, want %d", len(next.Bundles), test.want)
			}
		})
	}
}

// TestLimitIsForgotten: once nothing waits, it is not known what the next message costs. A batch
// that is wanted larger is written in steps of the limit.
func TestLimitIsForgotten(t *testing.T) {
	s := &stats.Stats{}
	group := delivery.New(messages.Target{Name: "alerts"}, &delivery.Limits{
		Backlog: 1000, Expiry: time.Minute, Budget: stats.Budget{Held: &s.WaitingBytes, Limit: 1 << 20}, Stats: s,
	})
	want := func(n, limit int) *messages.Batch {
		t.Helper()
		b := group.Next()
		if len(b.Bundles) != n || b.CallLimit != limit {
			t.Fatalf("a batch of %d messages in steps of %d, want %d in steps of %d", len(b.Bundles), b.CallLimit, n, limit)
		}
		return b
	}
	add := func(n int) {
		for i := range n {
			group.Add(deliver(i, nil))
		}
	}
	written := func(b *messages.Batch) *messages.Batch {
		return group.Written(b, messages.Outcome{Stored: len(b.Bundles)}, time.Now()).Write
	}
	add(100)
	if b := written(want(64, 64)); len(b.Bundles) != 36 || b.CallLimit != 256 {
		t.Fatalf("what is left goes as %d in steps of %d", len(b.Bundles), b.CallLimit)
	} else if b = written(b); b != nil {
		t.Fatalf("%d more", len(b.Bundles))
	}
	add(100)
	want(64, 64)
}
