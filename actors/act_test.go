package actors_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
)

// TestOnPurpose: whatever is made to fail, as often as one likes, the worker goes on.
func TestOnPurpose(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.broker.Send(message("a", "0"))
		b.settle()
		for range 30 {
			paths := []string{"bridge/router", "bridge/store", "bridge/requests", "bridge/commands", "bridge/commands/reader", "bridge/session", "bridge/session/connection"}
			for _, kind := range []string{"subscription", "group"} {
				for _, a := range b.tree.OfKind(kind, "") {
					paths = append(paths, a.Path)
				}
			}
			for _, path := range paths {
				if err := b.tree.Restart(path); err != nil {
					b.Error(err)
				}
			}
			b.pass(time.Minute)
		}
		before := len(b.payloads(alerts))
		b.broker.Send(message("a", "1"))
		b.settle()
		if got := b.payloads(alerts); len(got) != before+1 {
			b.Errorf("got %q", got)
		}
		if s := b.find("bridge/session/connection"); s.Restarts != 30 || b.tree.Stats().Bugs.Load() != 0 {
			b.Errorf("%+v, %d bugs", s, b.tree.Stats().Bugs.Load())
		}
		for _, path := range []string{"bridge", "bridge/nobody"} {
			if b.tree.Restart(path) == nil {
				b.Errorf("%s was restarted", path)
			}
		}
	})
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.pass(time.Minute)
		if err := b.tree.Disconnect(); err != nil {
			b.Fatal(err)
		}
		b.pass(time.Minute)
		if s := b.find("bridge/session/connection"); s.Restarts != 1 || !strings.Contains(s.Failure.Text, "by hand") || !b.broker.Connected() {
			b.Errorf("%+v", s)
		}
	})
}

func TestSlow(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.broker.Send(message("a", "0"))
		b.settle()
		path := b.tree.OfKind("group", "alerts")[0].Path
		if err := b.tree.Slow(path, time.Second); err != nil {
			b.Fatal(err)
		}
		before := len(b.payloads(alerts))
		b.broker.Send(message("a", "1"))
		b.settle()
		if n := len(b.payloads(alerts)); n != before {
			b.Errorf("%d written at once", n-before)
		}
		b.pass(2 * time.Second)
		if n := len(b.payloads(alerts)); n != before+1 {
			b.Errorf("%d written after a while", n-before)
		}
		if b.tree.Slow("bridge/router", 1) == nil {
			b.Error("the router was slowed")
		}
	})
}

func TestListOfSubscriptions(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		for i := range 20 {
			b.layer.Put(subscribe(fmt.Sprintf("a/%02d", i), alerts))
		}
		b.layer.Put(subscribe("a/+", lobby))
		b.settle()
		for range 3 {
			b.broker.Send(message("a/07", "x"))
		}
		b.settle()
		total, rows := b.tree.Subscriptions(messages.SubscriptionList{Text: "a/", Sort: "messages", Desc: true, Limit: 2})
		if total != 21 || len(rows) != 2 || rows[0].Messages != 3 || rows[0].LastTopic != "a/07" || rows[0].LastAt.IsZero() || !rows[0].Answered || len(rows[0].Subscribers) != 1 {
			b.Errorf("%d: %+v", total, rows)
		}
		total, rows = b.tree.Subscriptions(messages.SubscriptionList{Text: "a/1", Offset: 8, Limit: 100})
		if total != 10 || len(rows) != 2 || rows[1].Filter != "a/19" {
			b.Errorf("%d: %+v", total, rows)
		}
		routes := b.tree.Matching("a/07")
		if len(routes) != 2 || !routes[0].Delivers || !routes[1].Delivers || routes[1].Filter != "a/07" || routes[1].Subscribers[0].Target != alerts {
			b.Errorf("%+v", routes)
		}
		if routes := b.tree.Matching("b"); len(routes) != 0 {
			b.Errorf("%+v", routes)
		}
		if a, _ := b.tree.Inspect(b.tree.OfKind("group", "alerts")[0].Path); a.Info.(messages.FanoutInfo).Written != 3 {
			b.Errorf("%+v", a)
		}
		if len(b.tree.Targets()) != 2 {
			b.Errorf("%v", b.tree.Targets())
		}
	})
}
