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
	"chanmqttproxy/test/probe"
)

// tab is the queue of a browser tab's process, and consumer its channel.
func tab(i int) string { return fmt.Sprintf("tab%d!", i) }

func consumer(i int) string { return tab(i) + "member" }

// tabs has alerts reach n tabs.
func tabs(n int) func(*bundle, *actors.Options) {
	return func(b *bundle, _ *actors.Options) {
		var names []string
		for i := range n {
			names = append(names, tab(i))
		}
		b.layer.Queues(alerts, names...)
	}
}

// forRecipient asks for the retained messages for one recipient.
func forRecipient(filter string, i int) messages.SubscribeCommand {
	c := subscribe(filter, alerts)
	c.Retained, c.Recipient = true, consumer(i)
	return c
}

// retain fills the broker's retained store.
func (b *bundle) retain(n int) (want []string) {
	for i := range n {
		b.broker.Retain(message(fmt.Sprintf("a/%03d", i), fmt.Sprint("old ", i)))
		want = append(want, fmt.Sprint("old ", i))
	}
	return want
}

// over checks that nothing is left of the recipients once it is quiet.
func (b *bundle) over() {
	b.Helper()
	b.pass(2 * time.Minute)
	s := b.tree.Stats()
	if n, bytes, r := s.Recipients.Load(), s.WaitingBytes.Load(), s.RetainedInFlight.Load(); n != 0 || bytes != 0 || r != 0 {
		b.Errorf("%d recipients, %d bytes, %d replays are left", n, bytes, r)
	}
	if got, sent := len(b.broker.Acked()), int(s.Received.Load()); got != sent {
		b.Errorf("acknowledged %d of %d", got, sent)
	}
}

func (b *bundle) wantWritten(i int, want ...string) {
	b.Helper()
	if got := b.written(tab(i)); !slices.Equal(got, want) {
		b.Errorf("%s got %q, want %q", tab(i), got, want)
	}
}

func eachVersion(t *testing.T, prepare func(*bundle, *actors.Options), test func(*bundle)) {
	t.Parallel()
	for _, version := range []messages.Version{messages.MQTT5, messages.MQTT311} {
		t.Run(version.String(), func(t *testing.T) {
			t.Parallel()
			run(t, func(b *bundle, o *actors.Options) { o.Version = version; prepare(b, o) }, test)
		})
	}
}

func TestRecipientAloneGetsTheRetainedMessages(t *testing.T) {
	eachVersion(t, tabs(3), func(b *bundle) {
		want := b.retain(200)
		b.layer.Put(subscribe("a/+", alerts))
		b.settle()
		if got := b.written(tab(0)); len(got) != 0 {
			b.Errorf("got %q without asking", got)
		}
		receipt := b.layer.Put(forRecipient("a/+", 1))
		b.settle()
		if !b.layer.Acked(receipt) {
			b.Error("the command is not done")
		}
		b.wantWritten(0)
		b.wantWritten(1, want...)
		b.wantWritten(2)
		for _, e := range b.layer.Written(tab(1)) {
			if !e.Message.Retain || e.QoS != 1 {
				b.Errorf("%+v", e)
			}
		}
		b.broker.Send(message("a/000", "new"))
		b.settle()
		b.wantWritten(0, "new")
		b.wantWritten(1, append(want, "new")...)
		if n := b.tree.Stats().RetainedSent.Load(); n != 200 {
			b.Errorf("%d replayed", n)
		}
		b.over()
	})
}

func TestRecipientsWithoutANameAreEverybody(t *testing.T) {
	t.Parallel()
	run(t, tabs(2), func(b *bundle) {
		want := b.retain(3)
		c := forRecipient("#", 0)
		c.Recipient = ""
		b.layer.Put(c)
		own := messages.Target{Kind: messages.Channel, Name: consumer(7)}
		b.layer.Put(messages.SubscribeCommand{Filter: "a/001", Targets: []messages.Target{own}, Retained: true, Recipient: own.Name})
		b.settle()
		b.wantWritten(0, want...)
		b.wantWritten(1, want...)
		if got := b.payloads(own); !slices.Equal(got, want[1:2]) {
			b.Errorf("a channel got %q", got)
		}
		b.over()
	})
}

func TestHundredRecipientsShareReplays(t *testing.T) {
	eachVersion(t, tabs(100), func(b *bundle) {
		want := b.retain(20)
		b.layer.Put(subscribe("#", alerts))
		b.settle()
		before := b.broker.Replays()
		for i := range 100 {
			b.layer.Put(forRecipient("#", i))
			b.pass(time.Duration(i%7) * time.Millisecond)
		}
		b.pass(time.Second)
		for i := range 100 {
			b.wantWritten(i, want...)
		}
		if n := b.broker.Replays() - before; n > 4 {
			b.Errorf("the broker was asked %d times", n)
		}
		b.over()
	})
}

// replaysLater is a connection on which the retained messages come when the test
// says so.
type replaysLater struct {
	actors.Conn
	release chan struct{}
}

func (r replaysLater) Subscribe(ctx context.Context, filters []messages.Desired) ([]byte, error) {
	if slices.ContainsFunc(filters, func(w messages.Desired) bool { return w.Retained }) {
		select {
		case <-r.release:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return r.Conn.Subscribe(ctx, filters)
}

// later has all SUBSCRIBEs for retained messages wait for the channel, which is made
// in the bubble.
func later(release *chan struct{}, prepare func(*bundle, *actors.Options)) func(*bundle, *actors.Options) {
	return func(b *bundle, o *actors.Options) {
		*release = make(chan struct{}, 10)
		o.MQTT = &brokerHook{Broker: b.broker, dialed: func(s actors.Conn, _ actors.Sink) actors.Conn { return replaysLater{s, *release} }}
		prepare(b, o)
	}
}

func TestLiveMessageIsNotFollowedByAnOlderValue(t *testing.T) {
	t.Parallel()
	run(t, tabs(2), func(b *bundle) {
		b.layer.Put(subscribe("#", alerts))
		b.settle()
		b.broker.Retain(message("a", "old"))
		b.broker.Send(message("a", "before"))
		b.settle()
		b.layer.Put(forRecipient("#", 1))
		b.settle()
		b.broker.Send(message("a", "after"))
		b.settle()
		b.wantWritten(1, "before", "old", "after")
		b.over()
	})
	var release chan struct{}
	run(t, later(&release, tabs(2)), func(b *bundle) {
		b.layer.Put(subscribe("+", alerts))
		b.layer.Put(subscribe("#", alerts))
		b.settle()
		b.broker.Retain(message("a", "old"))
		b.broker.Retain(message("b", "kept"))
		b.layer.Put(forRecipient("+", 0))
		b.layer.Put(forRecipient("#", 1))
		b.settle()
		b.broker.Send(message("a", "new"))
		b.settle()
		release <- struct{}{}
		release <- struct{}{}
		b.pass(time.Second)
		b.wantWritten(0, "new", "kept")
		b.wantWritten(1, "new", "kept")
		b.over()
	})
}

// The broker sends what it has kept for the session before it is asked again.
func TestOlderValueOfAnEarlierConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	var release chan struct{}
	run(t, later(&release, tabs(1)), func(b *bundle) {
		b.broker.Retain(message("a", "new"))
		b.layer.Put(forRecipient("#", 0))
		b.settle()
		stored := message("a", "old")
		stored.Retain = true
		b.broker.Send(stored)
		release <- struct{}{}
		b.settle()
		b.wantWritten(0, "old", "new")
		b.over()
	})
}

func TestReplayThatIsCutShortIsAskedForAgain(t *testing.T) {
	eachVersion(t, tabs(2), func(b *bundle) {
		b.layer.Put(subscribe("a/+", alerts))
		b.layer.Put(subscribe("b", alerts))
		b.settle()
		b.broker.Retain(message("a/1", "one"))
		b.layer.Put(forRecipient("a/+", 1))
		b.pass(time.Second)
		b.wantWritten(1, "one")
		b.broker.Retain(message("a/2", "two")) // as if it had not come in time
		b.broker.Refuse(func(messages.Version) error { return probe.Failure(messages.Network) })
		b.broker.Drop(messages.Network)
		b.pass(5 * time.Minute)
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		b.wantWritten(0)
		b.wantWritten(1, "one", "two")
		before := b.broker.Replays()
		b.pass(10 * time.Second)
		b.broker.Drop(messages.Network)
		b.pass(time.Minute)
		if n := b.broker.Replays() - before; n > 0 && b.tree.Stats().Connects.Load() > 0 && b.broker.Attempts()[0] == messages.MQTT5 {
			b.Errorf("asked %d times again for what came in whole", n)
		}
		b.wantWritten(1, "one", "two")
		b.over()
	})
}

func TestReplayWaitsForRedis(t *testing.T) {
	t.Parallel()
	run(t, tabs(2), func(b *bundle) {
		b.retain(1)
		b.layer.Put(forRecipient("#", 1))
		b.settle()
		b.layer.Stick(alerts, true)
		late := func(name string) {
			m := message(name, name)
			m.Retain = true
			b.broker.Send(m)
		}
		late("b")
		b.pass(3 * time.Minute) // the broker waits for the acknowledgement
		b.layer.Stick(alerts, false)
		b.pass(time.Second)
		late("c")
		b.pass(time.Second)
		b.wantWritten(1, "old 0", "b", "c")
		b.pass(5 * time.Second)
		late("d")
		b.settle()
		b.wantWritten(1, "old 0", "b", "c")
		b.over()
	})
}

func TestRefusedFilterHasNoRecipients(t *testing.T) {
	t.Parallel()
	run(t, tabs(1), func(b *bundle) {
		b.broker.Deny("secret")
		b.layer.Put(forRecipient("secret", 0))
		b.settle()
		if n := b.tree.Stats().Recipients.Load(); n != 0 {
			b.Errorf("%d recipients", n)
		}
		b.over()
	})
}

func TestRecipientsAreForgottenWithTheirSubscription(t *testing.T) {
	t.Parallel()
	run(t, tabs(1), func(b *bundle) {
		b.layer.Put(subscribe("a/+", alerts, lobby))
		b.layer.Put(subscribe("x", alerts))
		b.layer.Put(forRecipient("a/+", 0))
		b.layer.Put(forRecipient("b", 0))
		b.settle()
		if n := b.tree.Stats().Recipients.Load(); n != 2 {
			b.Errorf("%d recipients", n)
		}
		b.layer.Put(unsubscribe("a/+", alerts))
		b.layer.Put(unsubscribe("b", alerts))
		b.settle()
		if n := b.tree.Stats().Recipients.Load(); n != 0 {
			b.Errorf("%d recipients after they left", n)
		}
		b.over()
	})
}

// A filter that comes again has nothing to do with what it was before.
func TestFilterThatComesAgainReplaysAgain(t *testing.T) {
	t.Parallel()
	run(t, tabs(1), func(b *bundle) {
		b.retain(1)
		for range 3 {
			b.layer.Put(forRecipient("a/+", 0))
			b.pass(time.Second)
			b.layer.Put(unsubscribe("a/+", alerts))
			b.pass(time.Second)
		}
		b.wantWritten(0, "old 0", "old 0", "old 0")
		b.over()
	})
}

func TestOverlappingFiltersReplayOnce(t *testing.T) {
	eachVersion(t, tabs(2), func(b *bundle) {
		want := b.retain(5)
		b.layer.Put(subscribe("a/#", alerts))
		b.layer.Put(forRecipient("#", 0))
		b.layer.Put(forRecipient("a/+", 0))
		b.pass(time.Second)
		b.wantWritten(0, want...)
		b.wantWritten(1)
		b.layer.Put(forRecipient("a/+", 1))
		b.pass(time.Second)
		b.wantWritten(0, want...)
		b.wantWritten(1, want...)
		b.over()
	})
}

func TestRecipientsWithOptionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	run(t, tabs(2), func(b *bundle) {
		b.layer.Put(subscribe("a/#", alerts))
		b.settle()
		b.retain(2)
		text := forRecipient("a/#", 0)
		text.Options = messages.Options{Payload: messages.PayloadText}
		b.layer.Put(text)
		b.layer.Put(forRecipient("a/#", 1))
		b.settle()
		for i, mode := range []messages.PayloadMode{messages.PayloadText, messages.PayloadAuto} {
			for _, e := range b.layer.Written(tab(i)) {
				if e.Payload != mode || int(e.QoS) != i {
					b.Errorf("%s: %+v", tab(i), e)
				}
			}
			b.wantWritten(i, "old 0", "old 1")
		}
		b.over()
	})
}

func TestClearedValueIsNotReplayed(t *testing.T) {
	t.Parallel()
	run(t, tabs(1), func(b *bundle) {
		b.retain(2)
		b.layer.Put(subscribe("a/#", alerts))
		b.settle()
		b.broker.Retain(message("a/000", ""))
		b.broker.Send(message("a/000", ""))
		b.layer.Put(forRecipient("a/#", 0))
		b.settle()
		b.wantWritten(0, "", "old 1")
		b.over()
	})
}

func TestReplayWaitsForAFullQueue(t *testing.T) {
	t.Parallel()
	for _, overflow := range []messages.Overflow{messages.OverflowWait, messages.OverflowLatest} {
		t.Run(fmt.Sprint(overflow), func(t *testing.T) {
			t.Parallel()
			run(t, tabs(2), func(b *bundle) {
				first := forRecipient("a/#", 0)
				first.Options.Overflow = overflow
				b.layer.Put(first)
				b.settle()
				b.layer.Room(tab(0), 0)
				b.broker.Send(message("a/000", "live"))
				b.settle()
				want := append([]string{"live"}, b.retain(100)...)
				again := forRecipient("a/#", 0)
				again.Options.Overflow = overflow
				b.layer.Put(again)
				b.pass(time.Second)
				b.broker.Send(message("a/001", "newer"))
				b.pass(time.Second)
				b.wantWritten(0)
				b.wantWritten(1, "live", "newer")
				b.layer.Room(tab(0), 1000)
				b.pass(time.Second)
				b.wantWritten(0, append(want, "newer")...)
				b.over()
			})
		})
	}
}

func TestRecipientsAreBounded(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) { tabs(2)(b, o); o.BacklogMemory = 64 << 10 }
	run(t, prepare, func(b *bundle) {
		b.layer.Put(forRecipient("#", 0))
		b.settle()
		for i := range 5000 {
			b.broker.Send(message(fmt.Sprint("topic/", i), "live"))
			if i%100 == 0 {
				b.settle()
			}
		}
		b.settle()
		if n := b.tree.Stats().WaitingBytes.Load(); n > 128<<10 {
			b.Errorf("%d bytes", n)
		}
		b.broker.Retain(message("topic/7", "old"))
		b.layer.Put(forRecipient("#", 1))
		b.pass(time.Second)
		for i, want := range []string{"live", "old"} {
			last := ""
			for _, e := range b.layer.Written(tab(i)) {
				if e.Message.Topic == "topic/7" {
					last = string(e.Message.Payload)
				}
			}
			if last != want {
				b.Errorf("%s was left with %q", tab(i), last)
			}
		}
		b.over()
		for i := range 1000 {
			b.layer.Put(forRecipient(fmt.Sprint("many/", i), 0))
		}
		b.settle()
		if n := b.tree.Stats().WaitingBytes.Load(); n > 128<<10 {
			b.Errorf("%d bytes for the recipients", n)
		}
	})
}

// Recipients that never stop coming do not keep the earlier ones from ending.
func TestStreamOfRecipientsIsBounded(t *testing.T) {
	t.Parallel()
	run(t, tabs(1), func(b *bundle) {
		b.retain(1)
		for i := range 600 {
			b.layer.Put(forRecipient("#", i))
			b.pass(time.Second)
			if n := b.tree.Stats().Recipients.Load(); n > 130 {
				b.Fatalf("%d recipients at once", n)
			}
		}
		b.over()
	})
}

func TestIdentifierTellsWhoseReplayItIs(t *testing.T) {
	t.Parallel()
	run(t, tabs(2), func(b *bundle) {
		b.layer.Put(forRecipient("a/+", 0))
		b.layer.Put(subscribe("#", alerts))
		b.settle()
		m := message("a/b", "old")
		m.Retain = true
		b.broker.Send(m, topic.Identifier("#"))
		b.settle()
		b.wantWritten(0)
		b.broker.Send(m, topic.Identifier("a/+"))
		b.settle()
		b.wantWritten(0, "old")
		b.over()
	})
}

// A replay that was under way when a recipient came is not the recipient's: what is
// asked for on its behalf brings the same once more.
func TestEarlierReplayIsNotForLaterRecipients(t *testing.T) {
	t.Parallel()
	run(t, tabs(1), func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.send("a", "live")
		b.layer.Put(forRecipient("a", 0))
		b.settle()
		m := message("a", "earlier")
		m.Retain = true
		b.tree.Send("bridge/router", messages.Deliver{
			Target: alerts, Event: messages.Event{Message: &m}, Token: messages.Token{Seq: 1, QoS: 1, Retained: true},
		})
		b.settle()
		b.wantWritten(0, "live")
		b.over()
	})
}

func TestRecipientToAGroupThatWasLeftIsKept(t *testing.T) {
	t.Parallel()
	var release chan struct{}
	run(t, later(&release, tabs(1)), func(b *bundle) {
		b.broker.Retain(message("a", "old"))
		b.layer.Put(subscribe("+", alerts))
		b.settle()
		b.layer.Stick(alerts, true)
		b.send("b", "live")
		b.layer.Put(unsubscribe("+", alerts))
		b.settle()
		b.layer.Put(forRecipient("#", 0))
		b.settle()
		b.layer.Stick(alerts, false)
		b.settle()
		release <- struct{}{}
		b.settle()
		b.wantWritten(0, "live", "old")
		b.over()
	})
}

// The interval is that of the filter by which live messages come.
func TestReplayTakesTheFilterOfLiveMessages(t *testing.T) {
	t.Parallel()
	run(t, tabs(1), func(b *bundle) {
		b.layer.Put(paced("a/#"))
		b.settle()
		b.broker.Retain(message("a/b", "old"))
		b.layer.Put(forRecipient("a/+", 0))
		b.settle()
		b.send("a/b", "live")
		b.wantWritten(0, "old")
		b.pass(time.Second)
		b.wantWritten(0, "old", "live")
		b.over()
	})
}

// firstUnanswered has the first SUBSCRIBE for retained messages answered when the test says so,
// and no value sent for it.
type firstUnanswered struct {
	actors.Conn
	first  *bool
	answer chan struct{}
}

func (f firstUnanswered) Subscribe(ctx context.Context, filters []messages.Desired) ([]byte, error) {
	if *f.first || !filters[0].Retained {
		return f.Conn.Subscribe(ctx, filters)
	}
	*f.first = true
	<-f.answer
	return make([]byte, len(filters)), nil
}

// The SUBACK is the last that a connection has brought, and is still to be dealt
// with when the loss is: its values have not come.
func TestReplayOfWhichOnlyTheAnswerCameIsAskedForAgain(t *testing.T) {
	t.Parallel()
	var answer, busy chan struct{}
	prepare := func(b *bundle, o *actors.Options) {
		tabs(1)(b, o)
		answer, busy = make(chan struct{}), make(chan struct{})
		first := false
		o.MQTT = &brokerHook{
			Broker: b.broker, ack: func() { <-busy },
			dialed: func(s actors.Conn, _ actors.Sink) actors.Conn { return firstUnanswered{s, &first, answer} },
		}
	}
	run(t, prepare, func(b *bundle) {
		b.broker.Retain(message("a", "kept"))
		b.layer.Put(forRecipient("a", 0))
		b.settle()
		b.broker.Send(message("b", "keeps the session busy"))
		b.settle()
		close(answer)
		b.settle()
		b.broker.Drop(messages.Network)
		b.settle()
		close(busy)
		b.pass(time.Minute)
		b.wantWritten(0, "kept")
		b.over()
	})
}
