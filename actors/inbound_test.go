package actors_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

func TestMessageReachesItsGroupAndIsAcknowledged(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		receipt := b.layer.Put(subscribe("a/+", alerts))
		b.settle()
		if !b.layer.Acked(receipt) {
			b.Error("the command is still in the layer")
		}
		seq := b.broker.Send(message("a/b", "hello"))
		b.settle()
		if got := b.payloads(alerts); !slices.Equal(got, []string{"hello"}) {
			b.Errorf("the group got %q", got)
		}
		if got := b.broker.Acked(); !slices.Equal(got, []uint64{seq}) {
			b.Errorf("acknowledged: %v", got)
		}
	})
}

func TestUnmatchedMessageIsAcknowledgedAndCounted(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.broker.Send(message("nobody/asked", "x"))
		b.settle()
		if len(b.broker.Acked()) != 1 || b.tree.Stats().Unmatched.Load() != 1 {
			b.Errorf("acknowledged %v, unmatched %d", b.broker.Acked(), b.tree.Stats().Unmatched.Load())
		}
	})
}

func TestRetainedReplayIsDropped(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		m := message("a", "old")
		m.Retain = true
		b.broker.Send(m)
		b.settle()
		if len(b.payloads(alerts)) != 0 || len(b.broker.Acked()) != 1 {
			b.Errorf("got %q, acknowledged %v", b.payloads(alerts), b.broker.Acked())
		}
	})
}

func TestOverlappingFiltersDeliverOncePerGroup(t *testing.T) {
	t.Parallel()
	for _, copies := range []struct {
		name string
		send func(b *bundle, payload string)
	}{
		{"one copy without identifiers", func(b *bundle, p string) { b.broker.Send(message("a/b", p)) }},
		{"one copy with all identifiers", func(b *bundle, p string) {
			b.broker.Send(message("a/b", p), topic.Identifier("a/+"), topic.Identifier("+/b"), topic.Identifier("#"))
		}},
		{"a copy per filter", func(b *bundle, p string) {
			for _, f := range []string{"#", "+/b", "a/+"} {
				b.broker.Send(message("a/b", p), topic.Identifier(f))
			}
		}},
	} {
		t.Run(copies.name, func(t *testing.T) {
			t.Parallel()
			run(t, nil, func(b *bundle) {
				b.layer.Put(subscribe("a/+", alerts))
				b.layer.Put(subscribe("+/b", alerts, lobby))
				b.layer.Put(subscribe("#", lobby))
				b.settle()
				var want []string
				for i := range 100 {
					want = append(want, fmt.Sprint(i))
					copies.send(b, fmt.Sprint(i))
				}
				b.settle()
				for _, target := range []messages.Target{alerts, lobby} {
					if got := b.payloads(target); !slices.Equal(got, want) {
						b.Errorf("%v got %q", target, got)
					}
				}
				if got, sent := len(b.broker.Acked()), int(b.tree.Stats().Received.Load()); got != sent {
					b.Errorf("acknowledged %d of %d", got, sent)
				}
			})
		})
	}
}

func TestOrderHoldsWhenAnOverlappingSubscriptionIsLeft(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		var want []string
		for round := range 50 {
			b.layer.Put(subscribe("a/+", alerts))
			b.layer.Put(subscribe("a/#", alerts))
			b.settle()
			for i := range 20 {
				payload := fmt.Sprint(round, ".", i)
				want = append(want, payload)
				if i == 10 {
					b.layer.Put(messages.UnsubscribeCommand{Filter: "a/+", Targets: []messages.Target{alerts}})
				}
				b.broker.Send(message("a/b", payload))
			}
			b.settle()
			b.layer.Put(messages.UnsubscribeCommand{Filter: "a/#", Targets: []messages.Target{alerts}})
			b.settle()
		}
		if got := b.payloads(alerts); !slices.Equal(got, want) {
			b.Errorf("got %d messages of %d, or not in order: %q", len(got), len(want), got)
		}
		if n := len(b.broker.Filters()); n != 0 {
			b.Errorf("%d filters are left at the broker", n)
		}
	})
}

func TestQoSIsTheLowerOfMessageAndSubscriber(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		low := messages.SubscribeCommand{Filter: "a", Targets: []messages.Target{alerts}}
		high := messages.SubscribeCommand{Filter: "a", Targets: []messages.Target{lobby}, Options: messages.Options{QoS: 2}}
		b.layer.Put(low)
		b.layer.Put(high)
		b.settle()
		if got := b.broker.Filters()["a"].QoS; got != 2 {
			b.Errorf("asked the broker for QoS %d", got)
		}
		b.broker.Send(message("a", "x"))
		b.settle()
		if l, h := b.layer.Sent(alerts)[0].QoS, b.layer.Sent(lobby)[0].QoS; l != 0 || h != 1 {
			b.Errorf("the groups see QoS %d and %d", l, h)
		}
	})
}

func TestRedisAwayHoldsAcknowledgementsAndKeepsOrder(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.layer.Away(true)
		var want []string
		for i := range 300 {
			want = append(want, fmt.Sprint(i))
			b.broker.Send(message("a", fmt.Sprint(i)))
			if i%100 == 0 {
				b.pass(10 * time.Second)
			}
		}
		b.settle()
		if n := len(b.broker.Acked()); n != 0 {
			b.Errorf("%d messages acknowledged that Redis does not have", n)
		}
		b.layer.Away(false)
		b.pass(time.Minute)
		if got := b.payloads(alerts); !slices.Equal(got, want) {
			b.Errorf("got %q", got)
		}
		if n := len(b.broker.Acked()); n != 300 {
			b.Errorf("%d of 300 acknowledged", n)
		}
		if n := b.log.Count("Redis is unreachable"); n != 1 {
			b.Errorf("the loss of Redis was said %d times: %q", n, b.log.Lines())
		}
	})
}

func TestBacklogOfQoS0IsBounded(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(*bundle, *actors.Options){
		"by number": func(_ *bundle, o *actors.Options) { o.GroupBacklog = 10 },
		"by memory": func(_ *bundle, o *actors.Options) { o.BacklogMemory = 10 * 260 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, limit, func(b *bundle) {
				b.layer.Put(subscribe("a", alerts))
				b.settle()
				b.layer.Stick(alerts, true)
				b.broker.Send(messages.Message{Topic: "a", Payload: []byte("under way")})
				b.settle()
				b.broker.Send(message("a", "kept"))
				for i := range 100 {
					b.broker.Send(messages.Message{Topic: "a", Payload: []byte(fmt.Sprint(i))})
				}
				b.settle()
				b.layer.Stick(alerts, false)
				b.settle()
				want := []string{"under way", "kept", "91", "92", "93", "94", "95", "96", "97", "98", "99"}
				if got := b.payloads(alerts); !slices.Equal(got, want) {
					b.Errorf("got %q", got)
				}
				if n := b.tree.Stats().Overflowed.Load(); n != 91 {
					b.Errorf("%d counted as dropped", n)
				}
				if n := b.tree.Stats().WaitingBytes.Load(); n != 0 {
					b.Errorf("%d bytes are said to wait", n)
				}
			})
		})
	}
}

func TestStuckGroupDelaysNobodyElse(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts, lobby))
		b.settle()
		b.layer.Stick(alerts, true)
		b.broker.Send(message("a", "1"))
		b.broker.Send(message("a", "2"))
		b.settle()
		if got := b.payloads(lobby); !slices.Equal(got, []string{"1", "2"}) {
			b.Errorf("the other group got %q", got)
		}
		if n := len(b.broker.Acked()); n != 0 {
			b.Errorf("acknowledged %d messages that one group does not have", n)
		}
		b.layer.Stick(alerts, false)
		b.settle()
		if n := len(b.broker.Acked()); n != 2 {
			b.Errorf("acknowledged %d of 2", n)
		}
	})
}

func TestPoisonedMessageIsGivenUpAndNothingElse(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("#", alerts))
		b.settle()
		b.layer.Poison("bad")
		b.broker.Send(message("bad", "x"))
		b.settle()
		b.broker.Send(message("good", "y"))
		b.settle()
		if got := b.payloads(alerts); !slices.Equal(got, []string{"y"}) {
			b.Errorf("got %q", got)
		}
		if n := len(b.broker.Acked()); n != 2 {
			b.Errorf("acknowledged %d of 2: the poisoned one must not come again", n)
		}
		if b.tree.Stats().Bugs.Load() != 1 || b.log.Count("a bug") != 1 {
			b.Errorf("bugs %d, log %q", b.tree.Stats().Bugs.Load(), b.log.Lines())
		}
	})
}
