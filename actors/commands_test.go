package actors_test

import (
	"fmt"
	"testing"
	"time"

	"chanmqttproxy/messages"
)

// acked is how many of the commands have left the layer.
func (b *bundle) acked(receipts []messages.Receipt) (n int) {
	for _, r := range receipts {
		if b.layer.Acked(r) {
			n++
		}
	}
	return n
}

func TestAcknowledgedAtOnceWhenNothingElseIsUnderWay(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		r := b.layer.Put(publish("a"))
		b.settle()
		if !b.layer.Acked(r) {
			b.Error("it waits for others, of which there are none")
		}
	})
}

// What is done waits for others of a run, but never long, whatever the others wait for.
func TestAcknowledgedInRuns(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Stick(asker, true)
		b.layer.Put(asking("1", "a", alerts)) // under way until its answer is written
		b.settle()
		var receipts []messages.Receipt
		for i := range 150 {
			receipts = append(receipts, b.layer.Put(publish(fmt.Sprint("a/", i))))
		}
		b.settle()
		if n := b.acked(receipts); n < 128 || n == 150 {
			b.Errorf("%d of 150 were acknowledged at once, want all but the last of a run", n)
		}
		b.pass(5 * time.Millisecond)
		if n := b.acked(receipts); n != 150 {
			b.Errorf("%d of 150 were acknowledged in time", n)
		}
		b.layer.Stick(asker, false)
	})
}

// However long Redis was unreachable, commands are taken within a second of its return, and
// what was to be stored or written meanwhile is.
func TestRedisIsSoonFoundAgain(t *testing.T) {
	t.Parallel()
	for _, outage := range []time.Duration{time.Second, 4 * time.Second, 3 * time.Minute} {
		run(t, nil, func(b *bundle) {
			b.layer.Put(subscribe("a", alerts))
			b.settle()
			b.layer.Away(true)
			b.pass(time.Second)
			b.broker.Send(message("a", "1"))
			b.pass(outage)
			b.layer.Away(false)
			r := b.layer.Put(subscribe("b", alerts))
			b.pass(time.Second)
			if !b.layer.Acked(r) {
				b.Errorf("after %v nothing was taken for a second", outage)
			}
			if got := b.payloads(alerts); len(got) != 1 {
				b.Errorf("after %v %q was written", outage, got)
			}
		})
	}
}
