package layer_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

func newPubSub(t *testing.T, config layer.Config) *conform.LayerClient {
	t.Helper()
	p := conform.NewLayerClient(layer.NewPubSub(config, slog.New(slog.NewTextHandler(io.Discard, nil))))
	t.Cleanup(p.Close)
	return p
}

func pubSubConfig(servers ...*kit.RedisServer) layer.Config {
	config := layer.Config{Lease: time.Second}
	for _, s := range servers {
		config.Hosts = append(config.Hosts, layer.Host{Redis: kit.RedisOptions(s.Addr())})
	}
	return config
}

// collector receives all the time and notes the numbers of the commands.
type collector struct {
	client *conform.LayerClient
	mu     sync.Mutex
	got    []int64
	recs   []messages.Receipt
}

// collect runs until stop is called.
func collect(t *testing.T, p *conform.LayerClient) (c *collector, stop func()) {
	c = &collector{client: p}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			c.take(ctx)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return c, stop
}

func (c *collector) take(ctx context.Context) {
	list, err := c.client.Receive(ctx, 7)
	if err != nil {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range list {
		n, _ := m.Body.Get("n")
		number, _ := n.(int64)
		c.got = append(c.got, number)
		c.recs = append(c.recs, m.Receipt)
	}
}

func (c *collector) numbers() []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

// command is the body of {"type": "x", "n": n}.
func command(n int) string {
	return "\x82\xa4type\xa1x\xa1n\xcd" + string([]byte{byte(n >> 8), byte(n)})
}

func publishCommands(t *testing.T, client *redis.Client, first, n int) {
	t.Helper()
	for i := range n {
		if err := client.Publish(t.Context(), "mqtt", command(first+i)).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// reads waits until somebody acts on the commands: it asks with number 0.
func reads(t *testing.T, client *redis.Client, cs ...*collector) {
	t.Helper()
	kit.Eventually(t, 20*time.Second, "somebody reads", func() bool {
		publishCommands(t, client, 0, 1)
		return slices.ContainsFunc(cs, func(c *collector) bool { return len(c.numbers()) > 0 })
	})
}

// wantAll waits until the numbers from first on came, each once and in order,
// besides zeros.
func wantAll(t *testing.T, n int, all func() []int64) {
	t.Helper()
	var got []int64
	kit.Eventually(t, 20*time.Second, "all commands came", func() bool {
		got = slices.DeleteFunc(all(), func(v int64) bool { return v == 0 })
		return len(got) >= n
	})
	for i, v := range got {
		if v != int64(i+1) {
			t.Fatalf("got %v, want 1 to %d, each once", got, n)
		}
	}
}

// TestPubSubOneActs: each command is acted on once, also while the one that
// acts stops; what it did not acknowledge is done by the other.
func TestPubSubOneActs(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	client := server.Client()
	a, b := newPubSub(t, pubSubConfig(server)), newPubSub(t, pubSubConfig(server))
	first, stop := collect(t, a)
	reads(t, client, first)
	second, _ := collect(t, b)
	kit.Eventually(t, 10*time.Second, "both listen", func() bool {
		return client.PubSubNumSub(t.Context(), "mqtt").Val()["mqtt"] == 2
	})
	publishCommands(t, client, 1, 50)
	wantAll(t, 50, first.numbers)
	if err := a.Acknowledge(t.Context(), first.recs); err != nil {
		t.Fatal(err)
	}
	stop()
	publishCommands(t, client, 51, 20) // nobody takes these of the first
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Close()
	}()
	publishCommands(t, client, 71, 30)
	<-done
	publishCommands(t, client, 101, 10)
	wantAll(t, 110, func() []int64 { return append(first.numbers(), second.numbers()...) })
}

// TestPubSubLeftForLater: what a holder left waits for one that comes later.
func TestPubSubLeftForLater(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	client := server.Client()
	a := newPubSub(t, pubSubConfig(server))
	first, stop := collect(t, a)
	reads(t, client, first)
	stop()
	if err := a.Acknowledge(t.Context(), first.recs); err != nil {
		t.Fatal(err)
	}
	publishCommands(t, client, 1, 10)
	a.Close()
	second, _ := collect(t, newPubSub(t, pubSubConfig(server)))
	wantAll(t, 10, second.numbers)
	if client.Exists(t.Context(), "chanmqttproxy:asgi:mqtt:left").Val() != 0 {
		t.Error("what was taken is still there")
	}
}

// TestPubSubDeath: another takes over when the lease of a dead one has ended,
// and acts on what came since its last mark.
func TestPubSubDeath(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	client := server.Client()
	config := pubSubConfig(server)
	die := mortal(&config.Hosts[0])
	first, _ := collect(t, newPubSub(t, config))
	reads(t, client, first)
	second, _ := collect(t, newPubSub(t, pubSubConfig(server)))
	kit.Eventually(t, 10*time.Second, "both listen", func() bool {
		return client.PubSubNumSub(t.Context(), "mqtt").Val()["mqtt"] == 2
	})
	die()
	publishCommands(t, client, 1, 10)
	wantAll(t, 10, second.numbers)
}

// mortal lets the process that uses a host be cut off from it for good.
func mortal(h *layer.Host) (die func()) {
	h.Redis.Dialer, die = kit.Mortal()
	return die
}

// TestPubSubOutage: the loss is told, and afterwards commands come again.
func TestPubSubOutage(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	p := newPubSub(t, pubSubConfig(server))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := p.Receive(ctx, 1)
		failed <- err
	}()
	client := server.Client()
	kit.Eventually(t, 10*time.Second, "it listens", func() bool {
		return client.PubSubNumSub(ctx, "mqtt").Val()["mqtt"] == 1
	})
	server.Restart()
	if err := <-failed; err == nil || ctx.Err() != nil {
		t.Fatalf("the loss was not told: %v", err)
	}
	c, _ := collect(t, p)
	reads(t, server.Client(), c)
}

// TestPubSubSend: what is repeated is published once, and the subscribers are
// counted.
func TestPubSubSend(t *testing.T) {
	t.Parallel()
	servers := []*kit.RedisServer{kit.Redis(t), kit.Redis(t), kit.Redis(t)}
	p := newPubSub(t, pubSubConfig(servers...))
	for _, target := range []messages.Target{{Name: "g"}, {Name: "h"}, {Name: "i"}, {Kind: messages.Channel, Name: "asgispecific.1"}} {
		sendTwice(t, p, servers, target)
	}
}

func sendTwice(t *testing.T, p *conform.LayerClient, servers []*kit.RedisServer, target messages.Target) {
	t.Helper()
	channel := target.Name
	if target.Kind == messages.Group {
		channel = "asgi__group__" + target.Name
	}
	batch := &messages.Batch{Target: target}
	for i := range 150 {
		batch.Bundles = append(batch.Bundles, alone(messages.Event{Message: &messages.Message{Topic: "t", Payload: fmt.Append(nil, i)}}))
	}
	if outcome, err := p.Send(t.Context(), batch); err != nil || outcome.Stored != 0 {
		t.Fatalf("%v: %+v, %v", target, outcome, err)
	}
	var got <-chan *redis.Message
	at := servers[0]
	for _, s := range servers {
		sub := s.Client().Subscribe(t.Context(), channel)
		t.Cleanup(func() { _ = sub.Close() })
		if _, err := sub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := s.Client().PubSubNumSub(t.Context(), channel).Val()[channel]
		if live, err := p.Live(t.Context(), []messages.Target{target}); err == nil && live[0] && got == nil && n == 1 {
			got, at = sub.Channel(redis.WithChannelSize(400)), s
		}
	}
	if got == nil {
		t.Fatalf("%v: nobody is seen", target)
	}
	if outcome, err := p.Send(t.Context(), batch); err != nil || outcome.Stored != 0 {
		t.Fatalf("a repeated call published again: %+v, %v", outcome, err)
	}
	batch.Stamp = 0
	if outcome, err := p.Send(t.Context(), batch); err != nil || outcome.Stored != 150 {
		t.Fatalf("%v at %s: %+v, %v", target, at.Addr(), outcome, err)
	}
	for i := range 150 {
		m, err := layer.DecodeMessage((<-got).Payload)
		if err != nil {
			t.Fatal(err)
		}
		if inner, _ := m.Get("message"); fmt.Sprint(inner.(messages.Map)[1].Value) != fmt.Sprint(i) {
			t.Fatalf("%v: message %d is %v", target, i, inner)
		}
	}
}

// TestPubSubOnly: some of a group get what the others do not, once.
func TestPubSubOnly(t *testing.T) {
	t.Parallel()
	servers := []*kit.RedisServer{kit.Redis(t)}
	p := newPubSub(t, pubSubConfig(servers...))
	names := []string{"asgispecific.1", "asgispecific.2", "asgispecific.3", "asgi__group__g"}
	sub := servers[0].Client().Subscribe(t.Context(), names...)
	t.Cleanup(func() { _ = sub.Close() })
	for range names {
		if _, err := sub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	batch := &messages.Batch{Target: messages.Target{Name: "g"}, Only: []string{names[0], names[2]}}
	for i := range 150 {
		batch.Bundles = append(batch.Bundles, alone(messages.Event{Message: &messages.Message{Topic: "t", Payload: fmt.Append(nil, i)}}))
	}
	for i, stored := range []int{300, 0} {
		if outcome, err := p.Send(t.Context(), batch); err != nil || outcome.Stored != stored {
			t.Fatalf("call %d: %+v, %v", i, outcome, err)
		}
	}
	for i, channel := range append(slices.Repeat(names[:1], 150), slices.Repeat(names[2:3], 150)...) {
		got, err := sub.ReceiveMessage(t.Context())
		if err != nil || got.Channel != channel {
			t.Fatalf("message %d: %v, %v", i, got, err)
		}
	}
}

// TestPubSubLive: it is who subscribes now.
func TestPubSubLive(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	p := newPubSub(t, pubSubConfig(server))
	sub := server.Client().Subscribe(t.Context(), "asgi__group__g", "asgispecific.1")
	for range 2 {
		if _, err := sub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	targets := []messages.Target{{Name: "g"}, {Name: "h"}, {Kind: messages.Channel, Name: "asgispecific.1"}, {Kind: messages.Channel, Name: "asgispecific.2"}, {Name: "g"}}
	live, err := p.Live(t.Context(), targets)
	if err != nil || !slices.Equal(live, []bool{true, false, true, false, true}) {
		t.Errorf("%v, %v", live, err)
	}
	if found, err := p.Prefixes(t.Context()); err != nil || found["asgi"] != 1 {
		t.Errorf("%v, %v", found, err)
	}
	_ = sub.Close()
	kit.Eventually(t, 5*time.Second, "nobody listens", func() bool {
		live, err := p.Live(t.Context(), targets)
		return err == nil && !slices.Contains(live, true)
	})
}

// TestPubSubDeadLetters: dead letters can be looked at and put back.
func TestPubSubDeadLetters(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	client := server.Client()
	p := newPubSub(t, pubSubConfig(server))
	c, _ := collect(t, p)
	reads(t, client, c)
	publishCommands(t, client, 1, 2)
	wantAll(t, 2, c.numbers)
	c.mu.Lock()
	dead := []messages.DeadLetter{{Receipt: c.recs[len(c.recs)-1], Reason: "odd"}, {Receipt: "a stranger's", Reason: "odd"}}
	c.mu.Unlock()
	for range 2 {
		if err := p.AddDeadLetters(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
	}
	letters, _, err := p.DeadLetters(t.Context(), 0, 50)
	if err != nil || len(letters) != 1 || letters[0].Reason != "odd" || letters[0].Preview != "x {n}" {
		t.Fatalf("%+v, %v", letters, err)
	}
	other := newPubSub(t, pubSubConfig(server))
	if n, err := other.RequeueDeadLetters(t.Context(), letters[0].ID); err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	kit.Eventually(t, 5*time.Second, "it came again", func() bool { return slices.Equal(last(c.numbers(), 2), []int64{2, 2}) })
	p.Close()
	kit.Eventually(t, 5*time.Second, "nobody listens", func() bool {
		return client.PubSubNumSub(t.Context(), "mqtt").Val()["mqtt"] == 0
	})
	if err := client.LPush(t.Context(), "chanmqttproxy:asgi:mqtt:dead-letters", `{"id": "a"}`).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.HSet(t.Context(), "chanmqttproxy:asgi:mqtt:dead-letter-messages", "a", "").Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := other.RequeueDeadLetters(t.Context()); n != 0 || err == nil || !strings.Contains(err.Error(), "no worker listens") {
		t.Errorf("%d, %v", n, err)
	}
}

func last(list []int64, n int) []int64 { return list[max(0, len(list)-n):] }
