package actors_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

const slow, fast = "slow!", "fast!"

// twoProcesses serves alerts from two processes, of which one takes nothing.
func twoProcesses(b *bundle, _ *actors.Options) {
	b.layer.Queues(alerts, slow, fast)
	b.layer.Room(slow, 0)
}

func with(o messages.Options) messages.SubscribeCommand {
	o.QoS = 1
	return messages.SubscribeCommand{Filter: "#", Targets: []messages.Target{alerts}, Options: o}
}

func (b *bundle) written(queue string) []string {
	var got []string
	for _, e := range b.layer.Written(queue) {
		got = append(got, string(e.Message.Payload))
	}
	return got
}

// numbers sends numbered messages and returns their payloads.
func (b *bundle) numbers(n int) []string {
	var sent []string
	for i := range n {
		sent = append(sent, fmt.Sprint(i))
		b.broker.Send(message(fmt.Sprintf("topic/%d", i%3), fmt.Sprint(i)))
	}
	b.settle()
	return sent
}

func TestWaitKeepsTheOrderOfTheFullQueueOnly(t *testing.T) {
	t.Parallel()
	run(t, twoProcesses, func(b *bundle) {
		b.layer.Put(with(messages.Options{}))
		b.settle()
		want := b.numbers(500)
		if got := b.written(fast); !slices.Equal(got, want) {
			b.Errorf("the process that keeps up got %q", got)
		}
		if n := len(b.broker.Acked()); n != 500 {
			b.Errorf("acknowledged %d of 500", n)
		}
		if n := b.tree.Stats().InOverflow.Load(); n != 500 {
			b.Errorf("%d in overflow", n)
		}
		for len(b.written(slow)) < 500 && !b.Failed() {
			b.layer.Room(slow, 20)
			before := len(b.written(slow))
			if b.pass(time.Second); len(b.written(slow)) == before {
				b.Error("nothing more was written")
			}
		}
		if got := b.written(slow); !slices.Equal(got, want) {
			b.Errorf("the slow process got %q", got)
		}
		if s := b.tree.Stats(); s.InOverflow.Load() != 0 || s.WaitingBytes.Load() != 0 {
			b.Errorf("%d in overflow, %d bytes", s.InOverflow.Load(), s.WaitingBytes.Load())
		}
	})
}

func TestNewMessagesWaitBehindTheOverflow(t *testing.T) {
	t.Parallel()
	run(t, twoProcesses, func(b *bundle) {
		b.layer.Put(with(messages.Options{}))
		b.settle()
		var want []string
		for i := range 300 {
			want = append(want, fmt.Sprint(i))
			b.broker.Send(message("a", fmt.Sprint(i)))
			b.layer.Room(slow, i%3)
			b.pass(time.Duration(i%7) * 5 * time.Millisecond)
		}
		b.layer.Room(slow, 1000)
		b.pass(time.Second)
		for _, queue := range []string{slow, fast} {
			if got := b.written(queue); !slices.Equal(got, want) {
				b.Errorf("%s got %q", queue, got)
			}
		}
	})
}

func TestOverflowExpires(t *testing.T) {
	t.Parallel()
	run(t, twoProcesses, func(b *bundle) {
		b.layer.Put(with(messages.Options{}))
		b.settle()
		b.numbers(10)
		b.pass(2 * time.Minute)
		b.layer.Room(slow, 100)
		b.broker.Send(message("a", "new"))
		b.pass(time.Second)
		if got := b.written(slow); !slices.Equal(got, []string{"new"}) {
			b.Errorf("got %q", got)
		}
		if n := b.tree.Stats().Expired.Load(); n != 10 {
			b.Errorf("%d counted as expired", n)
		}
	})
}

func TestOverflowIsBounded(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]func(*actors.Options){
		"by number": func(o *actors.Options) { o.QueueBacklog = 20 },
		"by memory": func(o *actors.Options) { o.BacklogMemory = 20 * 266 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, func(b *bundle, o *actors.Options) { twoProcesses(b, o); bound(o) }, func(b *bundle) {
				b.layer.Put(with(messages.Options{}))
				b.settle()
				b.numbers(1000)
				b.layer.Room(slow, 1000)
				b.pass(time.Second)
				got := b.written(slow)
				if len(got) < 15 || len(got) > 25 || got[len(got)-1] != "999" || !slices.IsSortedFunc(got, byNumber) {
					b.Errorf("got %q", got)
				}
				if n := b.tree.Stats().Overflowed.Load(); n != int64(1000-len(got)) {
					b.Errorf("%d counted as dropped, %d came", n, len(got))
				}
			})
		})
	}
}

func byNumber(a, b string) int {
	var i, j int
	_, _ = fmt.Sscan(a, &i)
	_, _ = fmt.Sscan(b, &j)
	return i - j
}

func TestDropCountsWhatAFullQueueRefuses(t *testing.T) {
	t.Parallel()
	run(t, twoProcesses, func(b *bundle) {
		b.layer.Put(with(messages.Options{Overflow: messages.OverflowDrop}))
		b.settle()
		want := b.numbers(50)
		if got := b.written(fast); !slices.Equal(got, want) {
			b.Errorf("got %q", got)
		}
		if n := b.tree.Stats().Full.Load(); n != 50 || b.tree.Stats().InOverflow.Load() != 0 {
			b.Errorf("%d dropped, %d in overflow", n, b.tree.Stats().InOverflow.Load())
		}
	})
}

func TestLatestKeepsTheNewestOfEachTopic(t *testing.T) {
	t.Parallel()
	run(t, twoProcesses, func(b *bundle) {
		b.layer.Put(with(messages.Options{Overflow: messages.OverflowLatest}))
		b.settle()
		b.numbers(300)
		b.layer.Room(slow, 1000)
		b.pass(time.Second)
		got := b.written(slow)
		if n := len(got); n < 3 || !slices.Equal(got[n-3:], []string{"297", "298", "299"}) || n > 3+batchLimit {
			b.Errorf("got %q", got)
		}
		if n := b.tree.Stats().Replaced.Load(); n != int64(300-len(got)) {
			b.Errorf("%d replaced, %d came", n, len(got))
		}
	})
}

// batchLimit is the most that one write can have refused at once.
const batchLimit = 64

func TestBatchesFormOfWhatWaits(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(with(messages.Options{Batch: 10}))
		b.settle()
		b.broker.Send(message("a", "alone"))
		b.settle()
		if got := b.layer.Plural(); !slices.Equal(got, []int{1}) {
			b.Errorf("bundles of %v: nothing waits for a batch to fill", got)
		}
		b.layer.Stick(alerts, true)
		b.broker.Send(message("a", "under way"))
		b.settle()
		want := append([]string{"alone", "under way"}, b.numbers(35)...)
		b.layer.Stick(alerts, false)
		b.settle()
		if got := b.layer.Plural(); !slices.Equal(got, []int{1, 1, 10, 10, 10, 5}) {
			b.Errorf("bundles of %v", got)
		}
		if got := b.payloads(alerts); !slices.Equal(got, want) {
			b.Errorf("got %q", got)
		}
	})
}

func TestBundleSpansASecondAtMost(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(with(messages.Options{Batch: 100}))
		b.settle()
		b.layer.Stick(alerts, true)
		b.broker.Send(message("a", "under way"))
		for range 10 {
			b.pass(300 * time.Millisecond)
			b.broker.Send(message("a", "x"))
		}
		b.settle()
		b.layer.Stick(alerts, false)
		b.settle()
		if got := b.layer.Plural(); !slices.Equal(got, []int{1, 4, 4, 2}) {
			b.Errorf("bundles of %v", got)
		}
	})
}

func TestStoppingWaitsForAnOverflowThatMoves(t *testing.T) {
	t.Parallel()
	run(t, twoProcesses, func(b *bundle) {
		b.layer.Put(with(messages.Options{}))
		b.settle()
		want := b.numbers(20)
		b.pass(5 * time.Second)
		b.layer.Room(slow, 3)
		time.AfterFunc(500*time.Millisecond, func() { b.layer.Room(slow, 100) })
		b.pass(300 * time.Millisecond)
		b.stop()
		if got := b.written(slow); !slices.Equal(got, want) {
			b.Errorf("got %q", got)
		}
	})
}
