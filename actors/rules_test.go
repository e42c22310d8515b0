package actors_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// wantFilters checks what the broker has.
func (b *bundle) wantFilters(when string, want ...string) {
	b.Helper()
	if got := slices.Sorted(maps.Keys(b.broker.Filters())); !slices.Equal(got, want) {
		b.Errorf("%s: the broker has %q, want %q", when, got, want)
	}
}

// Subscriptions of the configuration come, change and go with it; what a command wants
// too stays.
func TestStaticSubscriptionsChange(t *testing.T) {
	t.Parallel()
	run(t, func(_ *bundle, o *actors.Options) {
		o.Static = []messages.SubscribeCommand{subscribe("gone", lobby), subscribe("stays", lobby), subscribe("both", lobby)}
	}, func(b *bundle) {
		b.layer.Put(subscribe("both", lobby))
		b.layer.Put(subscribe("command", alerts))
		b.settle()
		b.wantFilters("at first", "both", "command", "gone", "stays")

		changed := subscribe("stays", lobby)
		changed.Options.QoS = 2
		b.tree.Reconfigure(messages.Rules{Static: []messages.SubscribeCommand{changed, subscribe("new", alerts)}})
		b.settle()
		b.wantFilters("reconfigured", "both", "command", "new", "stays")
		if b.broker.Filters()["stays"].QoS != 2 {
			b.Error("changed options do not count")
		}
		r := b.layer.Put(unsubscribe("both", lobby))
		refused := b.layer.Put(unsubscribe("new", alerts))
		b.settle()
		b.wantFilters("unsubscribed", "command", "new", "stays")
		if !b.layer.Acked(r) || !b.layer.Acked(refused) {
			b.Error("a command is not done")
		}
		b.broker.Drop(messages.Network)
		b.pass(time.Minute)
		b.wantFilters("connected again", "command", "new", "stays")
		b.broker.Send(message("new", "1"))
		b.settle()
		if got := b.payloads(alerts); !slices.Equal(got, []string{"1"}) {
			b.Errorf("delivered %q", got)
		}
	})
}

// What is not allowed any more is given up; what the configuration wants is not asked.
func TestAllowListsChange(t *testing.T) {
	t.Parallel()
	run(t, func(_ *bundle, o *actors.Options) {
		o.Static = []messages.SubscribeCommand{subscribe("own/x", lobby)}
	}, func(b *bundle) {
		b.layer.Put(subscribe("a/x", alerts))
		b.layer.Put(subscribe("b/x", alerts))
		b.settle()
		b.tree.Reconfigure(messages.Rules{
			AllowSubscribe: []string{"b/#"}, AllowPublish: []string{"cmd/+"},
			Static: []messages.SubscribeCommand{subscribe("own/x", lobby)},
		})
		b.settle()
		b.wantFilters("reconfigured", "b/x", "own/x")
		b.layer.Put(subscribe("a/y", alerts))
		b.layer.Put(publish("a/x"))
		b.layer.Put(publish("cmd/x"))
		b.settle()
		b.wantFilters("a subscribe that is not allowed", "b/x", "own/x")
		if n := len(b.broker.Published()); n != 1 || b.tree.Stats().Denied.Load() != 2 {
			b.Errorf("%d published, %d denied", n, b.tree.Stats().Denied.Load())
		}
		if _, err := b.tree.Publish(messages.Message{Topic: "a/x"}); err == nil || !strings.Contains(err.Error(), "MQTT_ALLOW_PUBLISH") {
			b.Errorf("published by hand: %v", err)
		}
		b.tree.Reconfigure(messages.Rules{})
		b.layer.Put(subscribe("a/y", alerts))
		b.settle()
		b.wantFilters("all is allowed again", "a/y", "b/x")
	})
}

// Before the stored subscriptions are known other rules are just noted.
func TestReconfiguredEarly(t *testing.T) {
	t.Parallel()
	run(t, func(b *bundle, _ *actors.Options) {
		b.layer.Keep(messages.Stored{Filter: "a", Target: alerts})
		b.layer.Away(true)
	}, func(b *bundle) {
		b.tree.Reconfigure(messages.Rules{AllowSubscribe: []string{"b"}, Static: []messages.SubscribeCommand{subscribe("s", lobby)}})
		b.settle()
		b.layer.Away(false)
		b.pass(time.Minute)
		b.wantFilters("restored", "s")
	})
}

// What asks for retained messages since it was changed gets them, once.
func TestRetainedMessagesAreAskedForLater(t *testing.T) {
	t.Parallel()
	run(t, func(b *bundle, o *actors.Options) {
		o.Static = []messages.SubscribeCommand{subscribe("s", lobby)}
		b.broker.Retain(message("s", "1"))
	}, func(b *bundle) {
		s := subscribe("s", lobby)
		s.Retained = true
		for range 2 {
			b.tree.Reconfigure(messages.Rules{Static: []messages.SubscribeCommand{s}})
			b.pass(time.Minute)
		}
		if got := b.payloads(lobby); !slices.Equal(got, []string{"1"}) {
			b.Errorf("got %q", got)
		}
	})
}

// A command's part in a subscription of the configuration ends when nobody listens.
func TestIdleSubscriptionLeavesTheFile(t *testing.T) {
	t.Parallel()
	run(t, func(b *bundle, o *actors.Options) {
		o.Static = []messages.SubscribeCommand{subscribe("s", lobby)}
		o.SubscriptionIdle = 5 * time.Minute
	}, func(b *bundle) {
		b.layer.Put(subscribe("s", lobby))
		b.settle()
		if got := b.layer.Stored(); !slices.Equal(got, []messages.Stored{stored("s", lobby)}) {
			b.Errorf("stored %v", got)
		}
		b.layer.Dead(lobby, true)
		b.pass(10 * time.Minute)
		b.wantFilters("idle", "s")
		b.tree.Reconfigure(messages.Rules{})
		b.settle()
		b.wantFilters("no more in the file")
	})
}
