package conform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// layerReceive wakes a receiver that waits, and lets acknowledged messages go.
func layerReceive(t *testing.T, b *layerBench) {
	c := b.client()
	for round := range 3 {
		time.AfterFunc(20*time.Millisecond, func() { b.put(layerCommands(20)...) })
		numbers, receipts := b.take(c, 20)
		b.wantNumbers(numbers, 0, 20)
		if err := c.Acknowledge(b.context(), receipts); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	if keys := b.keys(); len(keys) != 0 {
		t.Errorf("left in redis: %q", keys)
	}
}

// layerReceiveSameDate takes some of those that have the same date, in their order.
func layerReceiveSameDate(_ *testing.T, b *layerBench) {
	for i := range 20 {
		member := fmt.Sprintf("%012d", i) + b.body(layerCommand(i))
		if err := b.hosts[0].ZAdd(b.context(), "asgimqtt", redis.Z{Score: float64(1e9 + i/10), Member: member}).Err(); err != nil {
			b.t.Fatal(err)
		}
	}
	c := b.client()
	numbers, receipts := b.take(c, 20) // seven at a time
	b.wantNumbers(numbers, 0, 20)
	if err := c.Acknowledge(b.context(), receipts); err != nil {
		b.t.Fatal(err)
	}
	if keys := b.keys(); len(keys) != 0 {
		b.t.Errorf("left in redis: %q", keys)
	}
}

func layerUndecodable(t *testing.T, b *layerBench) {
	b.put(layerCommand(0), "\xc1secret", "", "\x91\x01", "\x81\x01\x02", layerCommand(5))
	if err := b.hosts[0].ZAdd(b.context(), "asgimqtt", redis.Z{Score: 1, Member: "short"}).Err(); err != nil {
		t.Fatal(err)
	}
	c := b.client()
	faults, bodies := 0, 0
	var receipts []messages.Receipt
	for len(receipts) < 7 {
		list, err := c.Receive(b.context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			receipts = append(receipts, m.Receipt)
			if m.Fault == nil {
				bodies++
				continue
			}
			faults++
			if m.Body != nil || strings.Contains(m.Fault.Error(), "secret") || !strings.Contains(m.Fault.Error(), "bytes") {
				t.Errorf("fault %v with %v", m.Fault, m.Body)
			}
		}
	}
	if faults != 5 || bodies != 2 {
		t.Errorf("%d faults and %d bodies", faults, bodies)
	}
	if err := c.Acknowledge(b.context(), receipts); err != nil {
		t.Fatal(err)
	}
}

// layerCrash has a receiver die with messages in flight: once its lease ended,
// the next has them before all else, in their order, and only those not
// acknowledged.
func layerCrash(t *testing.T, b *layerBench) {
	b.put(layerCommands(20)...)
	change, die := layerMortal()
	first := b.client(change, layerLease(time.Second))
	_, receipts := b.take(first, 14) // two times seven
	if err := first.Acknowledge(b.context(), receipts[:5]); err != nil {
		t.Fatal(err)
	}
	die()
	second := b.client(layerLease(time.Second))
	b.put(layerCommand(20))
	numbers, receipts := b.take(second, 16)
	b.wantNumbers(numbers, 5, 16)
	if err := second.Acknowledge(b.context(), receipts); err != nil {
		t.Fatal(err)
	}
}

// layerClose closes a receiver with messages in flight: the next has them first.
func layerClose(t *testing.T, b *layerBench) {
	b.put(layerCommands(20)...)
	first := b.client()
	_, receipts := b.take(first, 14)
	if err := first.Acknowledge(b.context(), receipts[:5]); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if _, err := first.Receive(b.context(), 1); err == nil {
		t.Error("a closed client receives")
	}
	numbers, _ := b.take(b.client(), 15)
	b.wantNumbers(numbers, 5, 15)
}

// layerCancel ends calls that wait. What comes later is not lost with them.
func layerCancel(t *testing.T, b *layerBench) {
	c := b.client()
	for range 5 {
		ctx, cancel := context.WithCancel(context.Background())
		timer := time.AfterFunc(10*time.Millisecond, cancel)
		_, err := c.Receive(ctx, 1)
		timer.Stop()
		cancel()
		var failure *messages.LayerFailure
		if !errors.Is(err, context.Canceled) || !errors.As(err, &failure) {
			t.Fatalf("cancelled: %v", err)
		}
	}
	b.put(layerCommands(10)...)
	numbers, _ := b.take(c, 10)
	b.wantNumbers(numbers, 0, 10)
}

// layerShare has two readers live side by side: the second does not wait for
// ever for what the first has in flight, and none gets what the other has.
func layerShare(t *testing.T, b *layerBench) {
	b.put(layerCommands(42)...)
	seen := map[int64]bool{}
	for _, c := range []*LayerClient{b.client(layerLease(4 * time.Second)), b.client(layerLease(4 * time.Second))} {
		numbers, _ := b.take(c, 21) // three times seven
		for _, n := range numbers {
			if seen[n] {
				t.Errorf("message %d came twice", n)
			}
			seen[n] = true
		}
	}
}
