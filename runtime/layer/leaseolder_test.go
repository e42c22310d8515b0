package layer_test

import (
	"context"
	_ "embed" // an older script
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

//go:embed testdata/lease1.lua
var olderLease string

// TestOlderWorkersComeFirst: a worker whose ids have no number before a point runs an older
// script, and stores what the newer ones do not follow. They never hold slots at the same
// time for longer than it takes to give them up, in whatever order they come and go.
func TestOlderWorkersComeFirst(t *testing.T) {
	t.Parallel()
	c, server := leases(t)
	now := time.UnixMilli(1_800_000_000_000)
	held := map[string][]messages.Slot{}
	give := 0
	ask := func(worker string, change ...func(*messages.LeaseAsk)) []int {
		t.Helper()
		now = now.Add(100 * time.Millisecond)
		server.SetTime(now)
		ask := messages.LeaseAsk{
			Worker: worker, Name: "a:1", Lease: time.Second, Sessions: 2, RequestSeq: uint64(now.UnixMilli()), Held: held[worker], Propose: true,
			Sent: now,
		}
		if len(held[worker]) == 0 {
			ask.Sent = time.Time{}
		}
		for _, f := range change {
			f(&ask)
		}
		lease := c.Lease
		if worker[0] == 'o' {
			script := redis.NewScript(olderLease)
			lease = func(ctx context.Context, ask messages.LeaseAsk) (messages.LeaseAnswer, error) {
				return c.LeaseAs(ctx, script, ask)
			}
		}
		a, err := lease(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		held[worker], give = a.Held, a.Give
		var numbers []int
		for _, s := range a.Held {
			numbers = append(numbers, s.Number)
		}
		return numbers
	}
	release := func(n int) func(*messages.LeaseAsk) {
		return func(a *messages.LeaseAsk) { a.Release = []int{n} }
	}
	leave := func(a *messages.LeaseAsk) { a.Leaving, a.Release = true, []int{0, 1} }
	want := func(what string, got []int, slots ...int) {
		t.Helper()
		if !slices.Equal(got, slots) {
			t.Fatalf("%s holds %v, want %v", what, got, slots)
		}
	}
	both := []int{0, 1}

	want("the older one", ask("old"), both...)
	for range 5 {
		want("a newer one", ask("2.new", func(a *messages.LeaseAsk) { a.Sessions = 3 }))
		want("the older one beside a newer", ask("old"), both...)
		if give != -1 {
			t.Fatalf("it is to give %d to a newer one", give)
		}
	}
	// Another older one takes over from it, not the newer.
	want("the second older one", ask("older"))
	want("the older one that leaves", ask("old", leave))
	want("a newer one before an older", ask("2.new"))
	want("the second older one", ask("older"), both...)
	// It dies.
	now = now.Add(2 * time.Second)
	delete(held, "older")
	want("a newer one alone", ask("2.new"), both...)
	want("two newer ones", ask("2.other"))
	if ask("2.new"); give != 1 {
		t.Fatalf("it is to give %d to a newer one", give)
	}
	want("the one that gave", ask("2.new", release(1)), 0)
	want("the one that was given", ask("2.other"), 1)

	// An older one comes back: it gets nothing until one of them goes, and all then.
	for range 5 {
		want("an older one that is back", ask("old"))
		want("one newer one", ask("2.new"), 0)
		if give != -1 {
			t.Fatalf("it is to give %d to an older one", give)
		}
		want("other newer one", ask("2.other"), 1)
	}
	want("the newer one that leaves", ask("2.other", leave))
	want("the older one", ask("old"), 1)
	if want("the newer one", ask("2.new"), 0); give != 0 {
		t.Fatalf("the newer one is to give %d", give)
	}
	want("the newer one that gave up", ask("2.new", release(0)))
	want("the older one", ask("old"), both...)
	want("the newer one", ask("2.new"))
	want("the older one that leaves", ask("old", leave))
	want("the newer one", ask("2.new"), both...)
}

// TestFirstSlotGoesToAnOlderWorkerFirst: where an older worker has got some slots, a newer one
// gives it the first before others.
func TestFirstSlotGoesToAnOlderWorkerFirst(t *testing.T) {
	t.Parallel()
	c, server := leases(t)
	now := time.UnixMilli(1_800_000_000_000)
	ask := func(worker string, leaving bool, release ...int) messages.LeaseAnswer {
		t.Helper()
		now = now.Add(100 * time.Millisecond)
		server.SetTime(now)
		ask := messages.LeaseAsk{Worker: worker, Name: "a:1", Lease: time.Second, Sessions: 4, RequestSeq: uint64(now.UnixMilli()), Leaving: leaving, Release: release}
		lease := c.Lease
		if worker == "old" {
			lease = func(ctx context.Context, ask messages.LeaseAsk) (messages.LeaseAnswer, error) {
				return c.LeaseAs(ctx, redis.NewScript(olderLease), ask)
			}
		}
		a, err := lease(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	ask("2.a", false)
	for range 2 { // the last ones go to another newer one
		ask("2.b", false)
		ask("2.a", false, ask("2.a", false).Give)
		ask("2.b", false)
	}
	ask("2.b", true, 2, 3)
	if a := ask("old", false); len(a.Held) != 2 {
		t.Fatalf("the older one holds %v", a.Held)
	}
	for slot := range 2 {
		if give := ask("2.a", false).Give; give != slot {
			t.Fatalf("the newer one gives up slot %d, want %d", give, slot)
		}
		ask("2.a", false, slot)
		ask("old", false)
	}
}
