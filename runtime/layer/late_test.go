package layer_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// hasty is a client that waits for answers no longer than this.
const hasty = 600 * time.Millisecond

// newHasty waits until the client knows the server's clock, and has one member in
// the group g.
func newHasty(t *testing.T, addr string, plain *redis.Client) *layer.Core {
	t.Helper()
	options := &redis.Options{Addr: addr, ReadTimeout: hasty, WriteTimeout: hasty}
	c := layer.NewCore(layer.Config{Redis: options, Capacity: 1000}, slog.New(slog.DiscardHandler))
	t.Cleanup(c.Close)
	kit.Eventually(t, 20*time.Second, "the clock is known", func() bool { return c.Stats().Hosts[0].Known })
	plain.ZAdd(t.Context(), "asgi:group:g", redis.Z{Score: float64(time.Now().Unix()), Member: "p!a"})
	again(t, "the first write", func() (messages.Outcome, error) { return c.Send(t.Context(), numbered(1)) }) // loads the script
	plain.Del(t.Context(), "asgip!")
	return c
}

// sendAgain tries until a batch is written, and at least once in vain.
func sendAgain(t *testing.T, c layer.Client, batch *messages.Batch) {
	t.Helper()
	if _, err := c.Send(t.Context(), batch); err == nil {
		t.Fatal("written though nothing got through")
	}
	kit.Eventually(t, 20*time.Second, "the batch is written", func() bool {
		_, err := c.Send(t.Context(), batch)
		return err == nil
	})
}

// TestLateWrite has the first attempt of a write arrive when the second was made
// long ago: it neither dates back what is unread nor writes again what was read.
func TestLateWrite(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]bool{"unread": false, "read": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := kit.Redis(t)
			plain := server.Client()
			proxy := kit.NewProxy(t, server.Addr())
			c := newHasty(t, proxy.Addr(), plain)
			proxy.Hold()
			sendAgain(t, c, numbered(5))
			if read {
				plain.Del(t.Context(), "asgip!")
			}
			before, calls := scores(t, plain), takes(t, plain)
			if !read && len(before) != 5 {
				t.Fatalf("messages %v", before)
			}
			time.Sleep(hasty) // so long the calls may still be in time
			proxy.Release()
			kit.Eventually(t, 20*time.Second, "the first attempt arrives", func() bool { return takes(t, plain) > calls })
			if after := scores(t, plain); !slices.Equal(before, after) {
				t.Errorf("first %v, later %v", before, after)
			}
		})
	}
}

func scores(t *testing.T, plain *redis.Client) []float64 {
	t.Helper()
	list, err := plain.ZRangeWithScores(context.WithoutCancel(t.Context()), "asgip!", 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	var all []float64
	for _, m := range list {
		all = append(all, m.Score)
	}
	return all
}

// TestHungServer has a server hang during several attempts to write large
// batches. When it comes back each message is there once, in order.
func TestHungServer(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	c := newHasty(t, server.Addr(), plain)
	pad := strings.Repeat(" ", 30_000) // more than a server reads at once
	batch := &messages.Batch{Target: messages.Target{Name: "g"}}
	for n := range 100 {
		batch.Bundles = append(batch.Bundles, alone(messages.Event{Message: &messages.Message{Topic: "t", Payload: fmt.Append(nil, pad, n)}}))
	}
	server.Pause()
	for range 3 {
		if _, err := c.Send(t.Context(), batch); err == nil {
			t.Error("a hung server answers")
		}
	}
	server.Resume()
	kit.Eventually(t, 20*time.Second, "the batch is written", func() bool {
		_, err := c.Send(t.Context(), batch)
		return err == nil
	})
	if _, err := c.Send(t.Context(), numbered(1)); err != nil {
		t.Fatal(err)
	}
	list := plain.ZRange(t.Context(), "asgip!", 0, -1).Val()
	if len(list) != 101 {
		t.Fatalf("%d messages", len(list))
	}
	for n, member := range list[:100] {
		m, err := layer.Config{}.DecodeBody(member[12:])
		if err != nil || !strings.Contains(dump(m), fmt.Sprintf(`"payload": int64 %d,`, n)) {
			t.Fatalf("place %d has %.200s, %v", n, dump(m), err)
		}
	}
}

// TestClockJumps has the server's clock put forward by an hour: what seems late
// for that is written when the clock was asked for again, which is soon.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	b := newHosts(t, 1, nil)
	kit.Eventually(t, 20*time.Second, "the clock is known", func() bool { return b.layer.Stats().Hosts[0].Known })
	b.join(t, "g", "p!a")
	b.servers[0].SetTime(time.Now().Add(time.Hour))
	batch := numbered(3)
	kit.Eventually(t, 20*time.Second, "the batch is written", func() bool {
		_, err := b.layer.Send(t.Context(), batch)
		return err == nil
	})
	host := b.layer.Stats().Hosts[0]
	if n := b.length(t, "asgip!"); n != 3 || host.Late == 0 || host.ClockDifference < 59*time.Minute {
		t.Errorf("%d messages, %+v", n, host)
	}
}
