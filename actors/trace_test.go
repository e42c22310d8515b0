package actors_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// steps are the words of a trace, which is over if done says so.
func (b *bundle) steps(id uint64, done bool, want ...string) {
	b.Helper()
	trace, ok := b.tree.Traced(id)
	var words []string
	for _, s := range trace.Steps {
		words = append(words, s.What)
	}
	if !ok || trace.Done != done || !slices.Equal(words, want) {
		b.Errorf("known: %v, done: %v, %v; want %q", ok, trace.Done, trace.Steps, want)
	}
}

func TestTraceOfOneMessage(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a/+", alerts))
		b.settle()
		delivered, unmatched, never := b.tree.Trace("a/1"), b.tree.Trace("b"), b.tree.Trace("c")
		for range 2 {
			b.broker.Send(message("a/1", "x"))
			b.broker.Send(message("b", "x"))
		}
		b.settle()
		b.steps(delivered, true, "received", "matched", "queued", "written", "settled")
		b.steps(unmatched, true, "received", "unmatched", "settled")
		b.steps(never, false)
		b.pass(2 * time.Minute)
		b.steps(never, true, "dropped")
	})
}

func TestTraceAtAFullQueue(t *testing.T) {
	t.Parallel()
	run(t, twoProcesses, func(b *bundle) {
		b.layer.Put(with(messages.Options{Overflow: messages.OverflowDrop}))
		b.settle()
		dropped := b.tree.Trace("a")
		b.broker.Send(message("a", "x"))
		b.settle()
		b.steps(dropped, true, "received", "matched", "queued", "written", "dropped", "settled")
		b.layer.Put(with(messages.Options{}))
		b.settle()
		overflow := b.tree.Trace("a")
		b.broker.Send(message("a", "x"))
		b.settle()
		b.steps(overflow, false, "received", "matched", "queued", "written", "overflow", "settled")
		b.layer.Room(slow, 10)
		b.pass(5 * time.Second)
		b.steps(overflow, true, "received", "matched", "queued", "written", "overflow", "settled", "written")
	})
}

func TestTraceOfAReplacedMessage(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(with(messages.Options{MinInterval: time.Minute}))
		b.settle()
		b.broker.Send(message("a", "1"))
		b.settle()
		held := b.tree.Trace("a")
		b.broker.Send(message("a", "2"))
		b.settle()
		b.steps(held, false, "received", "matched", "held", "settled")
		b.broker.Send(message("a", "3"))
		b.settle()
		b.steps(held, true, "received", "matched", "held", "settled", "dropped")
	})
}

func TestTraceOfAPublish(t *testing.T) {
	t.Parallel()
	away := func(b *bundle, o *actors.Options) { o.AllowPublish = []string{"a/#"} }
	run(t, away, func(b *bundle) {
		b.settle()
		if _, err := b.tree.Publish(message("b", "x")); err == nil || !strings.Contains(err.Error(), "MQTT_ALLOW_PUBLISH") {
			b.Errorf("what is not allowed: %v", err)
		}
		nobody, err := b.tree.Publish(message("a/1", "x"))
		if err != nil {
			b.Fatal(err)
		}
		b.pass(5 * time.Second)
		b.steps(nobody, true, "publishing", "acknowledged", "unmatched")
		b.broker.RefusePublish("a/2", 0x87)
		refused, _ := b.tree.Publish(message("a/2", "x"))
		b.settle()
		b.steps(refused, true, "publishing", "refused")
		b.layer.Put(subscribe("a/+", alerts))
		b.settle()
		returned, _ := b.tree.Publish(message("a/3", "x"))
		b.settle()
		b.broker.Send(message("a/3", "x"))
		b.settle()
		b.steps(returned, true, "publishing", "acknowledged", "received", "matched", "queued", "written", "settled")
	})
}

func TestTap(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.settle()
		var seen []string
		stop := b.tree.Tap(func(out bool, m *messages.Message) {
			if out {
				seen = append(seen, "out "+m.Topic)
			} else {
				seen = append(seen, "in "+m.Topic)
			}
		})
		b.broker.Send(message("a", "x"))
		_, _ = b.tree.Publish(message("b", "x"))
		b.settle()
		stop()
		b.broker.Send(message("c", "x"))
		b.settle()
		slices.Sort(seen)
		if !slices.Equal(seen, []string{"in a", "out b"}) {
			b.Errorf("seen %q", seen)
		}
	})
}
