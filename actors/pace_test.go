package actors_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// paced subscribes alerts to a filter with at most one message of a topic a
// second.
func paced(filter string) messages.SubscribeCommand {
	c := subscribe(filter, alerts)
	c.Options.MinInterval = time.Second
	return c
}

func (b *bundle) send(topic string, payloads ...string) {
	for _, p := range payloads {
		b.broker.Send(message(topic, p))
	}
	b.settle()
}

func (b *bundle) wantPayloads(t messages.Target, want ...string) {
	b.Helper()
	if got := b.payloads(t); !slices.Equal(got, want) {
		b.Errorf("%v got %q, want %q", t, got, want)
	}
}

// unpaced checks that nothing is held back any more.
func (b *bundle) unpaced() {
	b.Helper()
	b.pass(time.Minute)
	s := b.tree.Stats()
	if n, bytes := s.Paced.Load(), s.WaitingBytes.Load(); n != 0 || bytes != 0 {
		b.Errorf("%d held back, %d bytes", n, bytes)
	}
	if got, sent := len(b.broker.Acked()), int(s.Received.Load()); got != sent {
		b.Errorf("acknowledged %d of %d", got, sent)
	}
}

func TestNewestOfEachTopicPassesOnceInItsInterval(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(paced("#"))
		b.layer.Put(subscribe("#", lobby))
		b.settle()
		b.send("a", "1", "2", "3")
		b.send("b", "1")
		b.wantPayloads(alerts, "1", "1")
		b.wantPayloads(lobby, "1", "2", "3", "1")
		if n := len(b.broker.Acked()); n != 4 {
			b.Errorf("acknowledged %d of 4: what is held back uses up the receive maximum", n)
		}
		b.pass(500 * time.Millisecond)
		b.send("a", "4")
		b.pass(499 * time.Millisecond)
		b.wantPayloads(alerts, "1", "1")
		b.pass(time.Millisecond)
		b.wantPayloads(alerts, "1", "1", "4")
		b.send("a", "5")
		b.pass(999 * time.Millisecond)
		b.wantPayloads(alerts, "1", "1", "4")
		b.pass(5 * time.Second)
		b.wantPayloads(alerts, "1", "1", "4", "5")
		b.send("a", "6")
		b.wantPayloads(alerts, "1", "1", "4", "5", "6")
		if n := b.tree.Stats().Replaced.Load(); n != 2 {
			b.Errorf("%d counted as replaced", n)
		}
		b.unpaced()
	})
}

func TestIntervalThatIsGivenUpLeavesNothingOlderBehind(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(paced("a"))
		b.settle()
		b.send("a", "1", "2")
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.send("a", "3", "4")
		b.pass(5 * time.Second)
		b.wantPayloads(alerts, "1", "3", "4")
		b.unpaced()
	})
}

func TestShorterIntervalHoldsAtOnce(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		long := paced("a")
		long.Options.MinInterval = time.Hour
		b.layer.Put(long)
		b.settle()
		b.send("a", "1", "2")
		b.layer.Put(paced("a"))
		b.settle()
		b.send("a", "3")
		b.pass(time.Second)
		b.wantPayloads(alerts, "1", "3")
		b.unpaced()
	})
}

func TestStopLosesNothingThatIsHeldBack(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		c := paced("#")
		c.Options.MinInterval = time.Hour
		b.layer.Put(c)
		b.settle()
		var want []string
		for _, payload := range []string{"first", "newest"} {
			for i := range 100 {
				b.broker.Send(message(fmt.Sprint(i), payload))
				want = append(want, payload)
			}
		}
		if took := b.stop(); took > time.Second {
			b.Errorf("took %v", took)
		}
		b.wantPayloads(alerts, want...)
	})
}

func TestStopWithoutASideCountsWhatIsHeldBack(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(paced("#"))
		b.settle()
		b.send("a", "1", "2")
		b.layer.Away(true)
		b.pass(100 * time.Millisecond)
		b.stop()
		s := b.tree.Stats()
		if n := s.Abandoned.Load(); n != 1 || s.Paced.Load() != 0 || s.WaitingBytes.Load() != 0 {
			b.Errorf("%d counted, %d held back, %d bytes", n, s.Paced.Load(), s.WaitingBytes.Load())
		}
	})
}

func TestTargetThatLeavesGetsWhatCameBefore(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(paced("a/+"))
		b.layer.Put(subscribe("a/#", alerts))
		b.settle()
		b.send("a/b", "1", "2")
		b.layer.Put(unsubscribe("a/+", alerts))
		b.settle()
		b.wantPayloads(alerts, "1", "2")
		b.send("a/b", "3")
		b.pass(time.Minute)
		b.wantPayloads(alerts, "1", "2", "3")
		b.unpaced()
	})
}

func TestHeldBackIsBounded(t *testing.T) {
	t.Parallel()
	prepare := func(_ *bundle, o *actors.Options) { o.BacklogMemory = 64 << 10 }
	run(t, prepare, func(b *bundle) {
		c := paced("#")
		c.Options.MinInterval = time.Hour
		b.layer.Put(c)
		b.settle()
		for _, payload := range []string{"1", "2", "3"} {
			for i := range 2000 {
				b.broker.Send(message(fmt.Sprint(i), payload))
				if i%100 == 0 {
					b.settle()
				}
			}
		}
		b.settle()
		s := b.tree.Stats()
		if n := s.WaitingBytes.Load(); n > 128<<10 {
			b.Errorf("%d bytes", n)
		}
		if s.Overflowed.Load() == 0 {
			b.Error("nothing was dropped")
		}
		b.pass(3 * time.Hour)
		latest := map[string]string{}
		for _, e := range b.layer.Sent(alerts) {
			if was, p := latest[e.Message.Topic], string(e.Message.Payload); was > p {
				b.Fatalf("%s after %s", p, was)
			} else {
				latest[e.Message.Topic] = p
			}
		}
		b.unpaced()
	})
}

func TestReplayBeginsTheInterval(t *testing.T) {
	t.Parallel()
	run(t, tabs(2), func(b *bundle) {
		b.broker.Retain(message("a", "old"))
		c := forRecipient("a", 0)
		c.Options.MinInterval = 10 * time.Second
		b.layer.Put(c)
		b.settle()
		b.wantWritten(0, "old")
		b.send("a", "1", "2")
		b.wantWritten(0, "old")
		b.pass(6 * time.Second)
		again := c
		again.Recipient = consumer(1)
		b.layer.Put(again)
		b.settle()
		b.wantWritten(1, "old")
		b.pass(4 * time.Second)
		b.wantWritten(0, "old", "2")
		b.wantWritten(1, "old", "2")
		b.over()
	})
}

func TestManyTopicsHaveOneTimer(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(paced("#"))
		b.settle()
		for round := range 3 {
			for i := range 10_000 {
				b.broker.Send(message(fmt.Sprint(i), fmt.Sprint(round)))
			}
			b.settle()
		}
		b.pass(time.Second)
		if n := len(b.layer.Sent(alerts)); n != 20_000 {
			b.Errorf("got %d", n)
		}
		b.unpaced()
	})
}
