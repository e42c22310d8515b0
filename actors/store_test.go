package actors_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/probe"
)

func stored(filter string, target messages.Target) messages.Stored {
	return messages.Stored{Filter: filter, Target: target, Options: messages.Options{QoS: 1}}
}

func TestSubscriptionsAreStoredBeforeTheirCommandIsDone(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.layer.Away(true)
		b.pass(time.Second)
		if got := b.layer.Stored(); !slices.Equal(got, []messages.Stored{stored("a", alerts)}) {
			b.Errorf("stored %v", got)
		}
		b.layer.Away(false)
		b.pass(time.Minute)
		receipt := b.layer.Put(messages.UnsubscribeCommand{Filter: "a", Targets: []messages.Target{alerts}})
		b.settle()
		if len(b.layer.Stored()) != 0 || !b.layer.Acked(receipt) || len(b.layer.Leaving()) != 0 {
			b.Errorf("stored %v, leaving %v", b.layer.Stored(), b.layer.Leaving())
		}
	})
}

func TestStoredSubscriptionsAreThereBeforeTheBroker(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, _ *actors.Options) {
		b.layer.Keep(stored("a", alerts), stored("b/#", lobby))
		b.layer.Away(true)
	}
	run(t, prepare, func(b *bundle) {
		b.pass(time.Minute)
		if n := len(b.broker.Attempts()); n != 0 {
			b.Errorf("%d attempts to connect before the subscriptions were known", n)
		}
		b.layer.Away(false)
		b.pass(10 * time.Second)
		b.broker.Send(message("b/c", "x"))
		b.settle()
		if got := b.payloads(lobby); len(b.broker.Filters()) != 2 || !slices.Equal(got, []string{"x"}) {
			b.Errorf("filters %v, got %q", b.broker.Filters(), got)
		}
	})
}

func TestFilterThatAnEarlierWorkerLeftIsUnsubscribed(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, _ *actors.Options) {
		b.layer.Leave("stray")
		b.broker.Have("stray")
	}
	run(t, prepare, func(b *bundle) {
		if len(b.broker.Filters()) != 0 || len(b.layer.Leaving()) != 0 {
			b.Errorf("filters %v, leaving %v", b.broker.Filters(), b.layer.Leaving())
		}
	})
}

// unsubscribesWhileAway has a filter subscribed, and unsubscribed when the broker is unreachable.
func (b *bundle) unsubscribesWhileAway(filter string) {
	b.layer.Put(subscribe(filter, alerts))
	b.settle()
	b.broker.Refuse(func(messages.Version) error { return probe.Failure(messages.Network) })
	b.broker.Drop(messages.Network)
	b.layer.Put(messages.UnsubscribeCommand{Filter: filter, Targets: []messages.Target{alerts}})
	b.settle()
}

// RabbitMQ unsubscribes only from what was subscribed to on the same connection.
func TestFilterOfAnEarlierConnectionIsUnsubscribed(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) {
		o.Version = messages.MQTT311
		b.broker.Amnesic()
	}
	run(t, prepare, func(b *bundle) {
		b.unsubscribesWhileAway("a")
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		if got := b.broker.Filters(); len(got) != 0 {
			b.Errorf("the broker still has %v", got)
		}
	})
}

func TestFilterIsLeavingUntilTheBrokerHasLetItGo(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.unsubscribesWhileAway("a")
		if got := b.layer.Leaving(); !slices.Equal(got, []string{"a"}) {
			b.Errorf("leaving %v", got)
		}
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		if len(b.broker.Filters()) != 0 || len(b.layer.Leaving()) != 0 {
			b.Errorf("filters %v, leaving %v", b.broker.Filters(), b.layer.Leaving())
		}
	})
}

// What a worker before this one had subscribed to is in the session, though this one never
// came to ask for it.
func TestFilterOfAnEarlierWorkerIsGivenUpBeforeItIsAskedFor(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, _ *actors.Options) {
		b.layer.Keep(stored("a", alerts), stored("b", alerts))
		b.broker.Have("a")
		b.broker.Have("b")
		b.broker.Refuse(func(messages.Version) error { return probe.Failure(messages.Network) })
	}
	run(t, prepare, func(b *bundle) {
		b.layer.Put(messages.UnsubscribeCommand{Filter: "a", Targets: []messages.Target{alerts}})
		b.settle()
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		if got := b.broker.Filters(); len(got) != 1 || len(b.layer.Leaving()) != 0 {
			b.Errorf("filters %v, leaving %v", got, b.layer.Leaving())
		}
	})
}

func TestRedisThatLostItsDataGetsTheSubscriptionsAgain(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.layer.Away(true)
		b.pass(10 * time.Second)
		b.layer.Forget()
		b.layer.Away(false)
		b.pass(time.Minute)
		if got := b.layer.Stored(); !slices.Equal(got, []messages.Stored{stored("a", alerts)}) {
			b.Errorf("stored %v", got)
		}
	})
}

func TestIdleSubscriptionsAreDropped(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) { o.SubscriptionIdle = 5 * time.Minute }
	run(t, prepare, func(b *bundle) {
		for i := range 3 {
			b.layer.Put(subscribe(fmt.Sprint("t/", i), alerts))
		}
		b.layer.Put(subscribe("t/0", lobby))
		b.pass(time.Hour)
		if n := len(b.layer.Stored()); n != 4 {
			b.Errorf("%d stored, while everybody listens", n)
		}
		b.layer.Dead(alerts, true)
		b.pass(4 * time.Minute)
		if n := len(b.layer.Stored()); n != 4 {
			b.Errorf("%d stored after 4 minutes of silence", n)
		}
		b.pass(3 * time.Minute)
		if got := b.layer.Stored(); !slices.Equal(got, []messages.Stored{stored("t/0", lobby)}) || len(b.broker.Filters()) != 1 {
			b.Errorf("stored %v, filters %v", got, b.broker.Filters())
		}
		b.layer.Dead(alerts, false)
		b.layer.Put(subscribe("t/1", alerts))
		b.settle()
		b.broker.Send(message("t/1", "back"))
		b.settle()
		if got := b.payloads(alerts); !slices.Equal(got, []string{"back"}) {
			b.Errorf("got %q", got)
		}
	})
}

func TestNobodyIsDroppedWhileNobodyCanBeSeen(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) { o.SubscriptionIdle = 5 * time.Minute }
	run(t, prepare, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.layer.Away(true)
		b.pass(time.Hour)
		b.layer.Dead(alerts, true)
		b.layer.Away(false)
		b.pass(2 * time.Minute)
		if n := len(b.layer.Stored()); n != 1 {
			b.Errorf("%d stored", n)
		}
	})
}

// Whoever subscribed beside the configuration and left takes nothing along that
// the next worker has to know.
func TestStaticSubscriptionIsMarkedWhoeverComesAndGoes(t *testing.T) {
	t.Parallel()
	static := func(_ *bundle, o *actors.Options) { o.Static = []messages.SubscribeCommand{subscribe("s", lobby)} }
	run(t, static, func(b *bundle) {
		b.layer.Put(subscribe("s", alerts))
		b.settle()
		b.layer.Put(unsubscribe("s", alerts))
		b.settle()
		if got := b.layer.Leaving(); !slices.Equal(got, []string{"s"}) || len(b.layer.Stored()) > 0 {
			b.Errorf("marked as leaving: %q, stored %v", got, b.layer.Stored())
		}
	})
}

// The filter for responses is one that the last worker had, and that this one
// gives up and wants again.
func TestFilterForResponsesStaysMarked(t *testing.T) {
	t.Parallel()
	const filter = "chanmqttproxy/response/probe%2F1/+"
	prepare := func(b *bundle, o *actors.Options) {
		b.layer.Leave(filter)
		o.MQTT = &brokerHook{Broker: b.broker, dialed: func(s actors.Conn, _ actors.Sink) actors.Conn { return slowUnsubscribes{s} }}
	}
	run(t, prepare, func(b *bundle) {
		b.layer.Put(request("1", time.Minute))
		b.pass(time.Second)
		if _, ok := b.broker.Filters()[filter]; !ok {
			b.Error("it is not subscribed to")
		}
		if got := b.layer.Leaving(); !slices.Equal(got, []string{filter}) {
			b.Errorf("marked as leaving: %q", got)
		}
	})
}

// slowUnsubscribes is a connection on which an UNSUBSCRIBE takes a moment.
type slowUnsubscribes struct{ actors.Conn }

func (s slowUnsubscribes) Unsubscribe(ctx context.Context, filters []string) error {
	time.Sleep(time.Millisecond)
	return s.Conn.Unsubscribe(ctx, filters)
}

// What Redis loses without being away is written again in time, and at once what a site
// subscribes to as it has done before, which is answered then.
func TestLostWithoutAnOutage(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.layer.Put(subscribe("b", alerts))
		b.settle()
		b.layer.Forget()
		r := b.layer.Put(subscribe("a", alerts))
		b.settle()
		if got := b.layer.Stored(); len(got) != 1 || got[0].Filter != "a" || !b.layer.Acked(r) {
			b.Errorf("after it was subscribed again %v is stored", got)
		}
		b.pass(10 * time.Second)
		if got := b.layer.Stored(); len(got) != 2 {
			b.Errorf("after a while %v is stored", got)
		}
	})
}
