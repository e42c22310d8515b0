package conform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

func layerGroup(t *testing.T, b *layerBench) {
	b.join("g", "specific.a!1", "mqtt", "specific.a!2", "specific.b!1")
	outcome := b.send(b.client(), layerBatch(layerTarget("g"), layerEvents(0, 3)))
	b.wantOutcome(outcome, messages.Outcome{Stored: 9})
	for key, want := range map[string]string{
		"asgispecific.a!": "specific.a!1 specific.a!2",
		"asgispecific.b!": "specific.b!1",
		"asgimqtt":        "mqtt",
	} {
		if ttl := b.find(key).TTL(b.context(), key).Val().Seconds(); ttl < 50 || ttl > 60 {
			t.Errorf("%s lives %v s", key, ttl)
		}
		for i, m := range b.read(key) {
			if layerNames(t, m) != want || layerPayload(t, m) != int64(i) {
				t.Errorf("%s: message %d is %v", key, i, m)
			}
		}
	}
	outcome = b.send(b.client(), layerBatch(layerTarget("nobody"), layerEvents(0, 3)))
	b.wantOutcome(outcome, messages.Outcome{})
}

// layerQueue is the queue of channels of one process.
func layerQueue(members ...string) messages.Queue {
	return messages.Queue{Name: messages.NonLocal(members[0]), Members: members}
}

func layerChannel(t *testing.T, b *layerBench) {
	c := b.client()
	for name, key := range map[string]string{"specific.a!1": "asgispecific.a!", "general": "asgigeneral"} {
		target := messages.Target{Kind: messages.Channel, Name: name}
		if outcome := b.send(c, layerBatch(target, layerEvents(0, 2))); outcome.Stored != 2 {
			t.Errorf("outcome %+v", outcome)
		}
		for i, m := range b.read(key) {
			v, ok := m.Get("__asgi_channel__")
			if layerPayload(t, m) != int64(i) || ok != strings.Contains(name, "!") || ok && v != name {
				t.Errorf("%s: message %d is %v", name, i, m)
			}
		}
	}
}

// layerOrder sends from several groups at once into one queue: what each sent
// must come in its order.
func layerOrder(t *testing.T, b *layerBench) {
	const groups, each = 4, 500
	c := b.client(layerCapacity(groups * each))
	var all sync.WaitGroup
	for g := range groups {
		name := fmt.Sprint("g", g)
		b.join(name, "specific.a!"+name)
		all.Go(func() {
			for first := 0; first < each; {
				n := min(1+(first*7)%300, each-first) // batches of many sizes
				b.send(c, layerBatch(layerTarget(name), layerEvents(first, n)))
				first += n
			}
		})
	}
	all.Wait()
	got := map[string][]int64{}
	for _, m := range b.read("asgispecific.a!") {
		got[layerNames(t, m)] = append(got[layerNames(t, m)], layerPayload(t, m))
	}
	for g := range groups {
		b.wantNumbers(got[fmt.Sprint("specific.a!g", g)], 0, each)
	}
}

func layerFull(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(10))
	b.join("g", "specific.a!1", "specific.b!1")
	b.join("one", "specific.a!1")
	b.send(c, layerBatch(layerTarget("one"), layerEvents(100, 4)))
	outcome := b.send(c, layerBatch(layerTarget("g"), layerEvents(0, 12)))
	b.wantOutcome(outcome, messages.Outcome{Stored: 6 + 10, FullQueues: []messages.FullQueue{
		{Queue: layerQueue("specific.a!1"), From: 6}, {Queue: layerQueue("specific.b!1"), From: 10},
	}})
	b.wantNumbers(b.payloads("asgispecific.a!")[4:], 0, 6)
	b.wantNumbers(b.payloads("asgispecific.b!"), 0, 10)
}

// layerLate repeats a batch whose first attempt was longer ago than messages
// live: it is as fresh as any other, and the next to send does not drop it.
func layerLate(t *testing.T, b *layerBench) {
	b.join("g", "specific.a!1")
	late := layerBatch(layerTarget("g"), layerEvents(0, 5))
	late.Stamp = uint64(time.Now().Add(-time.Hour).UnixMicro())
	c := b.client()
	b.send(c, late)
	b.send(c, layerBatch(layerTarget("g"), layerEvents(5, 5)))
	b.wantNumbers(b.payloads("asgispecific.a!"), 0, 10)
}

// layerRepeat sends one batch again, as after an error whose first attempt did all.
func layerRepeat(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(300))
	b.join("g", "specific.a!1")
	batch := layerBatch(layerTarget("g"), layerEvents(0, 300))
	b.send(c, batch)
	outcome := b.send(c, batch)
	b.wantOutcome(outcome, messages.Outcome{Stored: 300})
	b.wantNumbers(b.payloads("asgispecific.a!"), 0, 300)
}

// layerOddMembers has a group whose members nobody should have added.
func layerOddMembers(t *testing.T, b *layerBench) {
	long := strings.Repeat("x", 300)
	odd := []string{"string", "a\xffb", "\xed\xa0\x80", "q!é日😀", "q!\u0800", "q!\xff", long, "specific.a!1"}
	b.join("g", odd...)
	b.all(func(host *redis.Client) error { return host.Set(b.context(), "asgistring", "not a queue", 0).Err() })
	outcome := b.send(b.client(), layerBatch(layerTarget("g"), layerEvents(0, 2)))
	b.wantOutcome(outcome, messages.Outcome{Stored: 6, FullQueues: []messages.FullQueue{{Queue: layerQueue("string")}}})
	for key, want := range map[string]string{
		"asgiq!": "q!é日😀 q!\u0800", "asgispecific.a!": "specific.a!1", "asgi" + long: long,
	} {
		got := b.read(key)
		if len(got) != 2 || len(layerNames(t, got[0])) != len(want) {
			t.Errorf("%.20s: %v", key, got)
		}
	}
}

func layerClientID(t *testing.T, b *layerBench) {
	first, err := b.client().ClientID(b.context(), "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.client().ClientID(b.context(), "known")
	if err != nil || first != second || len(first) != 22 || !strings.HasPrefix(first, "chanmqttproxy-") {
		t.Errorf("ids %q and %q: %v", first, second, err)
	}
	b.all(func(host *redis.Client) error {
		keys, err := host.Keys(b.context(), "*client-id").Result()
		if err != nil || len(keys) == 0 {
			return err
		}
		return host.Del(b.context(), keys...).Err()
	})
	if id, err := b.client().ClientID(b.context(), "known"); err != nil || id != "known" {
		t.Errorf("Redis has lost the id: %q, %v; want the one that is known", id, err)
	}
}

func layerCheck(t *testing.T, b *layerBench) {
	b.put(layerCommands(3)...)
	r, err := b.client().Check(b.context())
	if err != nil || r.Waiting != 3 || r.ClockDifference.Abs().Seconds() > 5 {
		t.Errorf("%+v: %v", r, err)
	}
}

// layerRestart has the server go away while one client sends and another
// receives. Nothing is lost that the server said it had.
func layerRestart(t *testing.T, b *layerBench) {
	ctx := b.context()
	sender, receiver := b.client(), b.client()
	b.join("g", "mqtt")
	const total = 90
	var got []int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for len(got) < total && ctx.Err() == nil {
			list, err := receiver.Receive(ctx, 10)
			var failure *messages.LayerFailure
			if err != nil && !errors.As(err, &failure) {
				t.Errorf("receiving: %v", err)
			}
			for _, m := range list {
				got = append(got, layerPayload(t, m.Body))
			}
		}
	}()
	for first := 0; first < total; first += 10 {
		batch := layerBatch(layerTarget("g"), layerEvents(first, 10))
		if first == total/3 {
			b.restart(func() { b.wantFailure(ctx, sender.Send, batch) })
		}
		for {
			if _, err := sender.Send(ctx, batch); err == nil {
				break
			}
			if ctx.Err() != nil {
				t.Fatal("did not come back")
			}
		}
	}
	<-done
	b.wantNumbers(got, 0, total)
}

func (b *layerBench) wantFailure(ctx context.Context, send func(context.Context, *messages.Batch) (messages.Outcome, error), batch *messages.Batch) {
	b.t.Helper()
	_, err := send(ctx, batch)
	var failure *messages.LayerFailure
	if !errors.As(err, &failure) || errors.Is(err, redis.ErrClosed) {
		b.t.Errorf("sending to a dead server: %v", err)
	}
}
