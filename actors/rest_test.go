package actors_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
)

// resting is how many subscriptions of so many have no actor, as Watch says.
func (b *bundle) resting() (resting, all int) {
	for _, f := range b.tree.Watch().Kinds {
		if f.Kind == "subscription" {
			resting, all = f.Rows, f.Actors
		}
	}
	return resting, all
}

// wantResting checks that.
func (b *bundle) wantResting(resting, all int) {
	b.Helper()
	if r, a := b.resting(); r != resting || a != all || b.actorsOf("subscription:") != all-resting {
		b.Errorf("%d of %d have no actor, want %d of %d; there are %d", r, a, resting, all, b.actorsOf("subscription:"))
	}
}

// TestSubscriptionsAtRest: a subscription has an actor while it keeps something, or serves many;
// it can be seen all the time.
func TestSubscriptionsAtRest(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		paced := subscribe("paced", alerts)
		paced.Options.MinInterval = 10 * time.Minute
		b.layer.Put(paced)
		b.layer.Put(subscribe("plain", alerts))
		b.layer.Put(subscribe("many", crowd()...))
		b.layer.Put(forRecipient("retained", 1))
		b.settle()
		b.wantResting(3, 4) // one waits for retained messages
		for _, topic := range []string{"paced", "plain", "many"} {
			b.broker.Send(message(topic, topic+" 1"))
		}
		b.settle()
		b.wantResting(1, 4)
		b.pass(5 * time.Minute)
		b.wantResting(3, 4) // the first window is open
		b.broker.Send(message("paced", "paced 2"))
		b.broker.Send(message("many", "many 2"))
		b.settle()
		b.wantResting(2, 4)
		b.pass(time.Hour)
		b.wantResting(4, 4)
		got, want := b.payloads(alerts), []string{"paced 1", "paced 2", "plain 1"}
		if slices.Sort(got); !slices.Equal(got, want) {
			b.Errorf("got %q, want %q", got, want)
		}
		total, rows := b.tree.Subscriptions(messages.SubscriptionList{Sort: "messages", Desc: true, Limit: 1, Text: "p"})
		if total != 2 || rows[0].Messages != 2 || rows[0].LastTopic != "paced" || rows[0].LastAt.IsZero() || !rows[0].Answered {
			b.Errorf("%d, %+v", total, rows)
		}
		a, ok := b.tree.Inspect(rows[0].Path)
		if info, _ := a.Info.(messages.SubscriptionInfo); !ok || a.State != messages.StateRow || a.Handled != 2 || len(info.Subscribers) != 1 {
			b.Errorf("%+v", a)
		}
		if err := b.tree.Restart(rows[0].Path); err != nil {
			b.Error(err)
		}
	})
}

// TestOrderHoldsWhileSubscriptionsComeToRest: nothing overtakes, and nothing is lost, where a
// subscription gets an actor and loses it.
func TestOrderHoldsWhileSubscriptionsComeToRest(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		everybody := crowd(alerts)
		b.layer.Put(subscribe("a", everybody...))
		b.settle()
		var want []string
		send := func(n int) {
			for range n {
				want = append(want, fmt.Sprint(len(want)))
				b.broker.Send(message("a", want[len(want)-1]))
			}
		}
		for range 20 {
			send(50)
			b.execute(unsubscribe("a", everybody[1:]...))
			send(50)
			b.settle()
			b.pass(2 * time.Minute) // it is asked whether it keeps anything
			send(1)
			b.pass(time.Minute)
			send(50)
			b.layer.Put(subscribe("a", everybody...))
			send(50)
			b.settle()
		}
		if got := b.payloads(alerts); !slices.Equal(got, want) {
			b.Errorf("got %d messages in another order: %s", len(got), strings.Join(got, " "))
		}
		if n := len(b.broker.Acked()); n != len(want) {
			b.Errorf("acknowledged %d of %d", n, len(want))
		}
	})
}
