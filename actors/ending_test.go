package actors_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// late is a registry that is read so much later.
type late struct {
	actors.Registry
	by *time.Duration
}

func (l late) Follow(ctx context.Context, known []messages.Position, wait bool) ([]messages.Page, error) {
	pages, err := l.Registry.Follow(ctx, known, wait)
	time.Sleep(*l.by)
	return pages, err
}

// remote has a slot held by another process, which learns what is in the registry so much
// later.
func (f *fleet) remote(slot int, by *time.Duration) {
	f.give(slot)
	o, here := f.options, f.tree
	o.Registry = late{f.tables, by}
	f.tree = actors.New(o)
	f.hold(slot)
	f.tree = here
}

// publish sends a message to the sessions that have one of the filters, as a broker does.
func (f *fleet) publish(text string, filters ...string) {
	for _, b := range f.brokers {
		has := b.Filters()
		if slices.ContainsFunc(filters, func(filter string) bool { _, ok := has[filter]; return ok }) {
			b.Send(message("a/b", text))
		}
	}
}

// Two filters of one target overlap, in slots of two processes, and the one is unsubscribed
// by which the target gets the messages. The other process learns of that late, and leaves
// messages to that slot until then: none is missed, also while filters move.
func TestOverlapEnds(t *testing.T) {
	t.Parallel()
	for name, sessions := range map[string]int{"at rest": 3, "while filters move to more slots": 7, "while filters move to fewer": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			several(t, 3, func(f *fleet) {
				var by time.Duration
				high := topic.Slot("a/b", 3)
				f.remote(high, &by)
				f.pass(time.Second)
				low, _ := f.overlap()
				wild := f.wild(low)
				f.publish("first", wild, "a/b") // by which is found out what is old
				f.pass(time.Second)
				f.publish("before", wild, "a/b")
				f.pass(time.Second)
				if a, b := f.got(low, alerts), f.got(high, alerts); !slices.Equal(a, []string{"first", "before"}) || !slices.Equal(b, []string{"first"}) {
					f.Fatalf("before the end it was delivered by the lower slot %v, and by the other %v", a, b)
				}

				by = 2 * time.Second
				if sessions != 3 {
					f.resize(sessions)
				}
				f.layers[0].Put(messages.UnsubscribeCommand{Filter: wild, Targets: []messages.Target{alerts}, ReplyTo: answerTo("")})
				var want []string
				for n := range 300 {
					f.pass(50 * time.Millisecond)
					want = append(want, fmt.Sprint(n))
					f.publish(want[n], wild, "a/b")
				}
				by = 0
				f.pass(30 * time.Second)
				f.wantAt("in the end", wild)
				f.wantAt("in the end", "a/b", topic.Slot("a/b", sessions))
				var got []string
				for slot := range f.brokers {
					got = append(got, f.got(slot, alerts)...)
				}
				for _, text := range want {
					if !slices.Contains(got, text) {
						f.Errorf("message %s is missed", text)
					}
				}
			})
		})
	}
}

// wild is the filter with a wildcard in the session of a slot.
func (f *fleet) wild(slot int) string {
	for filter := range f.brokers[slot].Filters() {
		if filter != "a/b" {
			return filter
		}
	}
	f.Fatal("the slot has no such filter")
	return ""
}
