package layer_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

func newClient(t testing.TB, addr string) *conform.LayerClient {
	c := conform.NewLayerClient(layer.NewCore(layer.Config{Redis: &redis.Options{Addr: addr}, Capacity: 1 << 30}, slog.New(slog.NewTextHandler(io.Discard, nil))))
	t.Cleanup(c.Close)
	return c
}

// takes is how often the server ran a script.
func takes(t *testing.T, server *redis.Client) int {
	t.Helper()
	stats, err := server.Info(context.Background(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(stats, "cmdstat_evalsha:calls=")
	calls, _, _ := strings.Cut(rest, ",")
	n, _ := strconv.Atoi(calls)
	return n
}

// TestWaitingIsIdle lets a client wait for a message on a server that tells of
// changes: it does not ask meanwhile, and is awake at once.
func TestWaitingIsIdle(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	c := newClient(t, server.Addr())
	received := make(chan error, 1)
	go func() {
		_, err := c.Receive(context.Background(), 1)
		received <- err
	}()
	kit.Eventually(t, 20*time.Second, "the client listens", func() bool {
		list, _ := plain.ClientList(t.Context()).Result()
		return strings.Contains(list, "tB")
	})
	// It looks once more now. Then nothing is left to do but the lease, and a
	// look every five seconds.
	kit.Eventually(t, 20*time.Second, "the client is quiet", func() bool {
		before := takes(t, plain)
		time.Sleep(300 * time.Millisecond)
		return takes(t, plain) == before
	})
	plain.ZAdd(t.Context(), "asgimqtt", redis.Z{Score: 1, Member: strings.Repeat("x", 12) + "\x80"})
	select {
	case err := <-received:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * time.Second): // less than until the next look
		t.Error("not woken")
	}
}

// TestHangingServer has a server that takes connections and says nothing: calls
// end with their context, and what was being taken comes later.
func TestHangingServer(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	c := newClient(t, server.Addr())
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := c.Send(ctx, &messages.Batch{Target: messages.Target{Name: "g"}, Bundles: []messages.Bundle{alone(messages.Event{Message: &messages.Message{}})}}); err != nil {
		t.Fatal(err)
	}
	plain.ZAdd(ctx, "asgimqtt", redis.Z{Score: 1, Member: strings.Repeat("x", 12) + "\x80"})
	if _, err := c.Receive(ctx, 1); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	ended := make(chan error, 2)
	go func() {
		_, err := c.Receive(ctx, 1)
		ended <- err
	}()
	go func() {
		_, err := c.Send(ctx, &messages.Batch{
			Target:  messages.Target{Kind: messages.Channel, Name: "mqtt"},
			Bundles: []messages.Bundle{alone(messages.Event{Message: &messages.Message{}})},
		})
		ended <- err
	}()
	time.AfterFunc(50*time.Millisecond, cancel)
	for range 2 {
		select {
		case err := <-ended:
			if err == nil {
				t.Error("a call to a hanging server succeeded")
			}
		case <-time.After(time.Second):
			t.Error("a cancelled call hangs")
		}
	}
	server.Resume()
	kit.Eventually(t, 20*time.Second, "what was sent meanwhile is received", func() bool {
		list, _ := c.Receive(t.Context(), 1)
		return len(list) == 1
	})
}

// TestLostAnswer has the answer to a taking call get lost: the messages are in
// flight and nobody has them. The next call finds them.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	c := newClient(t, server.Addr())
	put := func(n int) {
		plain.ZAdd(t.Context(), "asgimqtt", redis.Z{Score: float64(n), Member: strings.Repeat("x", 11) + strconv.Itoa(n) + "\x80"})
	}
	put(1)
	first, err := c.Receive(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	// What an answer that got lost leaves behind: the message is in the in-flight
	// key and not in the queue.
	keys := plain.Keys(t.Context(), "asgimqtt$inflight:*").Val()
	if len(keys) != 1 {
		t.Fatalf("in-flight keys %q", keys)
	}
	plain.ZAdd(t.Context(), keys[0], redis.Z{Score: 2, Member: strings.Repeat("x", 11) + "2\x80"})
	server.Kill() // an error makes the client look
	if _, err := c.Receive(t.Context(), 1); err == nil {
		t.Error("a dead server answers")
	}
	server.Restart()
	var second []layer.Message
	kit.Eventually(t, 30*time.Second, "the lost message is found", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		second, _ = c.Receive(ctx, 10)
		return len(second) > 0
	})
	if len(second) != 1 || second[0].Receipt == first[0].Receipt {
		t.Errorf("found %d messages", len(second))
	}
	if err := c.Acknowledge(t.Context(), []messages.Receipt{first[0].Receipt, second[0].Receipt}); err != nil {
		t.Error(err)
	}
	if left := plain.Exists(t.Context(), keys[0]).Val(); left != 0 {
		t.Error("something is still in flight")
	}
}

// TestCloseWhileAway closes clients whose server is gone, or hangs.
func TestCloseWhileAway(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*kit.RedisServer){"gone": (*kit.RedisServer).Kill, "hanging": (*kit.RedisServer).Pause} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := kit.Redis(t)
			c := newClient(t, server.Addr())
			server.Client().ZAdd(t.Context(), "asgimqtt", redis.Z{Score: 1, Member: strings.Repeat("x", 12) + "\x80"})
			if _, err := c.Receive(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			leave(server)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = c.Receive(t.Context(), 1)
			}()
			start := time.Now()
			c.Close()
			if took := time.Since(start); took > 9*time.Second {
				t.Errorf("closing took %v", took)
			}
			<-ended
		})
	}
}

// TestLostTracking kills the connection on which the server tells of commands, and no other:
// the reader dies of it, which is told, and is no loss of Redis. The next one has what came
// meanwhile.
func TestLostTracking(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	c := newClient(t, server.Addr())
	told := make(chan error, 2)
	open := func() layer.CommandReader {
		t.Helper()
		r, err := c.OpenReader(t.Context(), 0, func(err error) { told <- err })
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	reader := open()
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := reader.Receive(context.Background(), 1); err != nil {
				ended <- err
				return
			}
		}
	}()
	kill := func() {
		t.Helper()
		if n, err := plain.Do(t.Context(), "client", "kill", "type", "pubsub").Int(); err != nil || n != 1 {
			t.Fatalf("%d connections were killed, %v", n, err)
		}
	}
	kill()
	for what, failures := range map[string]chan error{"told": told, "received": ended} {
		var f *messages.LayerFailure
		select {
		case err := <-failures:
			if !errors.As(err, &f) || !f.Untold {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("nothing was %s", what)
		}
	}
	reader.Close()
	plain.ZAdd(t.Context(), "asgimqtt", redis.Z{Score: 1, Member: strings.Repeat("x", 12) + "\x80"})
	next := open()
	if list, err := next.Receive(t.Context(), 1); err != nil || len(list) != 1 {
		t.Errorf("%d messages, %v", len(list), err)
	}
	next.Close()
	if _, err := next.Receive(t.Context(), 1); err == nil {
		t.Error("a closed reader receives")
	}
	select {
	case err := <-told:
		t.Errorf("told after Close: %v", err)
	default:
	}
}
