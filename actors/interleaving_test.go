package actors_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
	"chanmqttproxy/test/probe"
)

// These tests leave out the pauses between steps, or put a step where it fits
// worst.

func unsubscribe(filter string, targets ...messages.Target) messages.UnsubscribeCommand {
	return messages.UnsubscribeCommand{Filter: filter, Targets: targets}
}

// execute has the router carry out a command before whatever else waits.
func (b *bundle) execute(c messages.Command) {
	b.tree.Send(routerPath, messages.Execute{Receipt: "direct", Command: c})
}

// actorsOf counts the live actors whose path has that part.
func (b *bundle) actorsOf(part string) (n int) {
	for _, path := range b.tree.Actors() {
		if strings.Contains(path, part) {
			n++
		}
	}
	return n
}

func TestPageThatIsReloadedStaysSubscribed(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		for range 300 {
			b.layer.Put(subscribe("a", alerts))
			b.settle()
			b.layer.Put(unsubscribe("a", alerts))
			b.layer.Put(subscribe("a", alerts))
			b.settle()
			if _, ok := b.broker.Filters()["a"]; !ok {
				b.Fatal("wanted, but not subscribed")
			}
			b.layer.Put(unsubscribe("a", alerts))
			b.settle()
		}
	})
}

func TestEverythingIsAcknowledgedWhileFiltersComeAndGo(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("#", lobby))
		b.settle()
		for round := range 50 {
			filter := fmt.Sprint("a/", round)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range 50 {
					b.broker.Send(message(filter, "x"))
				}
			}()
			for range 20 {
				b.layer.Put(subscribe(filter, alerts))
				b.layer.Put(unsubscribe(filter, alerts))
			}
			<-done
			b.settle()
		}
		b.pass(time.Minute)
		if n := len(b.broker.Acked()); n != 50*50 {
			b.Errorf("acknowledged %d of %d", n, 50*50)
		}
		if n := len(b.payloads(lobby)); n != 50*50 {
			b.Errorf("lobby got %d of %d", n, 50*50)
		}
		if n := len(b.tree.OfKind("subscription", "")); n != 1 {
			b.Errorf("%d subscriptions are left", n)
		}
	})
}

func TestOrderHoldsWhenAnOlderFilterIsJoined(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		crowd := []messages.Target{alerts}
		for i := range 300 {
			crowd = append(crowd, messages.Target{Kind: messages.Group, Name: fmt.Sprint("crowd", i)})
		}
		b.layer.Put(subscribe("a/#", lobby))
		b.layer.Put(subscribe("a/+", crowd...))
		b.settle()
		for i := range 30 {
			if i == 20 {
				b.execute(subscribe("a/#", alerts))
			}
			b.broker.Send(message("a/b", fmt.Sprint(i)))
		}
		b.settle()
		if got := b.payloads(alerts); !slices.IsSortedFunc(got, byNumber) || len(got) != 30 {
			b.Errorf("got %q", got)
		}
	})
}

func TestJoiningBetweenTwoCopiesLosesNothing(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a/#", lobby))
		b.layer.Put(subscribe("a/+", alerts))
		b.settle()
		b.broker.Send(message("a/b", "x"), topic.Identifier("a/#"))
		b.layer.Put(subscribe("a/#", alerts))
		b.settle()
		b.broker.Send(message("a/b", "x"), topic.Identifier("a/+"))
		b.settle()
		if got := b.payloads(alerts); !slices.Equal(got, []string{"x"}) {
			b.Errorf("got %q", got)
		}
	})
}

// lostAtOnce is a connection that breaks right after its CONNACK.
type lostAtOnce struct {
	actors.Conn
	sink actors.Sink
}

func (l lostAtOnce) Info() messages.Connack {
	l.sink.Lost(probe.Failure(messages.TakenOver))
	return l.Conn.Info()
}

func TestConnectionThatIsLostAtOnceIsNotBelieved(t *testing.T) {
	t.Parallel()
	for range 50 {
		connections := 0
		prepare := func(b *bundle, o *actors.Options) {
			o.MQTT = &brokerHook{Broker: b.broker, dialed: func(s actors.Conn, k actors.Sink) actors.Conn {
				if connections++; connections == 2 {
					return lostAtOnce{s, k}
				}
				return s
			}}
		}
		run(t, prepare, func(b *bundle) {
			b.layer.Put(subscribe("a", alerts))
			b.settle()
			b.broker.Drop(messages.Network)
			b.pass(10 * time.Second)
			b.layer.Put(subscribe("b", alerts))
			b.pass(time.Minute)
			if _, ok := b.broker.Filters()["b"]; !ok {
				b.Error("connected, but not subscribed")
			}
		})
	}
}

// hangsUp is a broker that closes the connection on one topic.
type hangsUp struct {
	actors.Conn
	sink actors.Sink
}

func (h hangsUp) Publish(ctx context.Context, p messages.Publish) error {
	if p.Message.Topic == "poison" {
		h.sink.Lost(probe.Failure(messages.BrokerRefused))
		return errors.New("closed")
	}
	return h.Conn.Publish(ctx, p)
}

func TestPublishOnWhichTheBrokerHangsUpIsGivenUp(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) {
		o.MQTT = &brokerHook{Broker: b.broker, dialed: func(s actors.Conn, k actors.Sink) actors.Conn { return hangsUp{s, k} }}
	}
	run(t, prepare, func(b *bundle) {
		bad := b.layer.Put(publish("poison"))
		b.settle()
		var good []messages.Receipt
		for i := range 5 {
			good = append(good, b.layer.Put(publish(fmt.Sprint("good/", i))))
		}
		b.pass(5 * time.Minute)
		if !strings.Contains(b.layer.DeadLetter(bad), "poison") {
			b.Errorf("dead letter: %q, log %q", b.layer.DeadLetter(bad), b.log.Lines())
		}
		for _, r := range good {
			if !b.layer.Acked(r) {
				b.Errorf("command %v is held up", r)
			}
		}
	})
}

func TestInnocentPublishSurvivesShortConnections(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.broker.Hold(true)
		first := b.layer.Put(publish("first"))
		b.settle()
		for range 10 {
			b.broker.Drop(messages.Network)
			b.pass(4 * time.Second)
		}
		b.broker.Hold(false)
		second := b.layer.Put(publish("second"))
		b.broker.Drop(messages.Network)
		b.broker.Refuse(func(messages.Version) error { return probe.Failure(messages.Network) })
		b.pass(time.Minute)
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		if reason := b.layer.DeadLetter(second); reason != "" || !b.layer.Acked(second) {
			b.Errorf("the one behind it: acknowledged %v, dead letter %q", b.layer.Acked(second), reason)
		}
		if reason := b.layer.DeadLetter(first); reason != "" || !b.layer.Acked(first) {
			b.Errorf("the first: acknowledged %v, dead letter %q", b.layer.Acked(first), reason)
		}
	})
}

func TestQuietTopicIsNotEvictedByABusyOne(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) { twoProcesses(b, o); o.QueueBacklog = 100 }
	run(t, prepare, func(b *bundle) {
		b.layer.Put(with(messages.Options{Overflow: messages.OverflowLatest}))
		b.settle()
		b.broker.Send(message("quiet", "door open"))
		for i := range 1000 {
			b.broker.Send(message("busy", fmt.Sprint(i)))
			b.settle()
		}
		b.pass(time.Hour) // the newest waits as long as it takes
		b.layer.Room(slow, 1000)
		b.pass(time.Second)
		got := b.written(slow)
		if !slices.Contains(got, "door open") || got[len(got)-1] != "999" || len(got) > 3 {
			b.Errorf("got %q", got)
		}
		if n := b.tree.Stats().Overflowed.Load(); n != 0 {
			b.Errorf("%d counted as dropped", n)
		}
	})
}

func TestTargetsThatAreGoneLeaveNoActor(t *testing.T) {
	t.Parallel()
	for name, room := range map[string]int{"read": 1000, "never read": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, nil, func(b *bundle) {
				for i := range 40 {
					tab := messages.Target{Kind: messages.Channel, Name: fmt.Sprint("tab", i)}
					b.layer.Room(tab.String(), room)
					b.layer.Put(subscribe("a", tab))
					b.settle()
					b.broker.Send(message("a", "x"))
					b.execute(unsubscribe("a", tab))
					b.settle()
				}
				b.pass(time.Hour)
				if n := b.actorsOf("groups/"); n != 0 {
					b.Errorf("%d actors are left", n)
				}
			})
		})
	}
}

func TestFilterThatWasNeverGrantedIsForgotten(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.broker.Refuse(func(messages.Version) error { return probe.Failure(messages.Network) })
		b.broker.Drop(messages.Network)
		for i := range 10 {
			b.layer.Put(subscribe(fmt.Sprint("t/", i), alerts))
			b.layer.Put(unsubscribe(fmt.Sprint("t/", i), alerts))
		}
		b.broker.Deny("secret")
		b.broker.Refuse(nil)
		b.pass(time.Hour)
		b.layer.Put(subscribe("secret", alerts))
		b.settle()
		b.layer.Put(unsubscribe("secret", alerts))
		b.pass(time.Hour)
		if l := b.layer.Leaving(); len(l) > 0 {
			b.Errorf("marked as leaving for ever: %v", l)
		}
	})
}

func TestGoodCommandsLeaveRedisWhereBadOnesCannot(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) {
		o.Layer = &layerHook{Layer: b.layer, deadLetter: func() error {
			return &messages.LayerFailure{Doing: "moving", Answered: true, Err: errors.New("NOPERM")}
		}}
	}
	run(t, prepare, func(b *bundle) {
		b.layer.PutBad(errors.New("bad"))
		b.settle()
		good := b.layer.Put(publish("a"))
		b.pass(10 * time.Minute)
		if !b.layer.Acked(good) {
			b.Error("the good command is still in Redis")
		}
		if n := b.log.Count("NOPERM"); n < 5 || n > 12 {
			b.Errorf("said %d times in 10 minutes", n)
		}
	})
}

func TestOutcomeThatCannotBeHandledCostsItsBatch(t *testing.T) {
	t.Parallel()
	first := true
	prepare := func(b *bundle, o *actors.Options) {
		o.Layer = &layerHook{Layer: b.layer, send: func(out *messages.Outcome) {
			if first {
				first = false
				out.FullQueues = []messages.FullQueue{{Queue: messages.Queue{Name: "q"}, From: 99}}
			}
		}}
	}
	run(t, prepare, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		for i := range 5 {
			b.broker.Send(message("a", fmt.Sprint(i)))
			b.settle()
		}
		if n := len(b.broker.Acked()); n != 5 {
			b.Errorf("acknowledged %d of 5", n)
		}
	})
}

func TestShortLossOfRedisIsOverSoon(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		for range 10 {
			b.layer.Away(true)
			b.pass(time.Second)
			b.layer.Away(false)
			b.pass(time.Hour)
		}
		b.layer.Away(true)
		b.pass(100 * time.Millisecond)
		b.layer.Away(false)
		receipt := b.layer.Put(publish("a"))
		b.pass(2 * time.Second)
		if !b.layer.Acked(receipt) {
			b.Error("the command is not taken")
		}
	})
}

func TestReconnectWhileStoppingTakesNothingNew(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.layer.Stick(alerts, true)
		b.broker.Send(message("a", "x"))
		b.settle()
		b.broker.Drop(messages.Network)
		b.settle()
		time.AfterFunc(time.Second, func() { b.layer.Stick(alerts, false) })
		if took := b.stop(); took > 3*time.Second {
			b.Errorf("took %v", took)
		}
	})
}

func TestConsumerThatComesBackIsNotDropped(t *testing.T) {
	t.Parallel()
	prepare := func(_ *bundle, o *actors.Options) { o.SubscriptionIdle = 5 * time.Minute }
	run(t, prepare, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.tree.Send(routerPath, messages.Drop{Target: alerts, Filters: []string{"a"}, Asked: time.Now().Add(-time.Second)})
		b.settle()
		if n := len(b.layer.Stored()); n != 1 {
			b.Errorf("%d stored", n)
		}
		b.tree.Send(routerPath, messages.Drop{Target: alerts, Filters: []string{"a"}, Asked: time.Now().Add(time.Second)})
		b.settle()
		if n := len(b.layer.Stored()); n != 0 {
			b.Errorf("%d stored", n)
		}
	})
}

// A target that is served again while its actor has something left, or is about to be
// stopped, gets all of it, in order.
func TestTargetThatIsServedAgainGetsAll(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		var want []string
		for round := range 20 {
			b.layer.Stick(alerts, round%2 == 0)
			want = append(want, fmt.Sprint("a", round), fmt.Sprint("b", round))
			b.send("a", fmt.Sprint("a", round))
			b.layer.Put(unsubscribe("a", alerts))
			if round%3 == 0 {
				b.settle() // it is asked to retire
			}
			b.layer.Put(subscribe("b", alerts))
			if round%4 < 2 {
				b.settle()
			}
			b.layer.Stick(alerts, false)
			b.pass(time.Second)
			b.send("b", fmt.Sprint("b", round))
			b.layer.Put(unsubscribe("b", alerts))
			b.layer.Put(subscribe("a", alerts))
			b.pass(time.Second)
		}
		b.wantPayloads(alerts, want...)
		if got, sent := len(b.broker.Acked()), int(b.tree.Stats().Received.Load()); got != sent {
			b.Errorf("acknowledged %d of %d", got, sent)
		}
		b.layer.Put(unsubscribe("a", alerts))
		b.pass(time.Second)
		if n := len(b.tree.OfKind("group", "")); n != 0 {
			b.Errorf("%d actors of groups are left", n)
		}
	})
}
