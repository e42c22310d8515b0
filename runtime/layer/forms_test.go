package layer_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// hostsBench is a layer on several servers.
type hostsBench struct {
	servers []*miniredis.Miniredis
	plain   []*redis.Client
	config  layer.Config
	core    *layer.Core
	layer   *conform.LayerClient
}

func newHosts(t *testing.T, n int, change func(*layer.Config)) *hostsBench {
	b := &hostsBench{}
	for range n {
		server := miniredis.RunT(t)
		b.servers, b.plain = append(b.servers, server), append(b.plain, kit.RedisClient(t, server.Addr()))
		b.config.Hosts = append(b.config.Hosts, layer.Host{Redis: kit.RedisOptions(server.Addr())})
	}
	if change != nil {
		change(&b.config)
	}
	b.core = layer.NewCore(b.config, slog.New(slog.NewTextHandler(io.Discard, nil)))
	b.layer = conform.NewLayerClient(b.core)
	t.Cleanup(b.layer.Close)
	return b
}

func (b *hostsBench) join(t *testing.T, group string, names ...string) {
	for i, name := range names {
		member := redis.Z{Score: float64(time.Now().Unix()) + float64(i)/1000, Member: name}
		if err := b.plain[layer.Ring(group, len(b.plain))].ZAdd(t.Context(), "asgi:group:"+group, member).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *hostsBench) length(t *testing.T, key string) (n int64) {
	for _, plain := range b.plain {
		n += plain.ZCard(t.Context(), key).Val()
	}
	return n
}

// onHost finds a process whose queue is on that host.
func onHost(host, n int) string {
	for i := 0; ; i++ {
		if name := fmt.Sprintf("specific.%d!", i); layer.Ring(name, n) == host {
			return name
		}
	}
}

func numbered(n int) *messages.Batch {
	b := &messages.Batch{Target: messages.Target{Name: "g"}}
	for i := range n {
		b.Bundles = append(b.Bundles, alone(messages.Event{Message: &messages.Message{Topic: "t", Payload: fmt.Append(nil, i)}}))
	}
	return b
}

// TestHostAway has one of two hosts go: those on the other get each message once,
// however often the batch is tried, and it is complete once the host is back.
func TestHostAway(t *testing.T) {
	t.Parallel()
	b := newHosts(t, 2, nil)
	home := layer.Ring("g", 2)
	here, there := onHost(home, 2), onHost(1-home, 2)
	b.join(t, "g", here+"a", there+"b")
	b.servers[1-home].Close()
	batch := numbered(3)
	for round := range 3 {
		if _, err := b.layer.Send(t.Context(), batch); err == nil || !strings.Contains(err.Error(), b.config.Hosts[1-home].Redis.Addr) {
			t.Fatalf("sent to a server that is away: %v", err)
		}
		want := 0
		if round == 0 {
			want = 3
		}
		if n := b.plain[home].ZPopMin(t.Context(), "asgi"+here, 10).Val(); len(n) != want {
			t.Fatalf("round %d: %d messages", round, len(n))
		}
	}
	if err := b.servers[1-home].Restart(); err != nil {
		t.Fatal(err)
	}
	var outcome messages.Outcome
	kit.Eventually(t, 20*time.Second, "the batch is written", func() (done bool) {
		var err error
		outcome, err = b.layer.Send(t.Context(), batch)
		return err == nil
	})
	if outcome.Stored != 6 || b.length(t, "asgi"+here) != 0 || b.length(t, "asgi"+there) != 3 {
		t.Errorf("%+v, %d and %d wait", outcome, b.length(t, "asgi"+here), b.length(t, "asgi"+there))
	}
}

// TestReadsOfAllHosts receives what is on each host, also while one is away, and
// at most as many as it is told.
func TestReadsOfAllHosts(t *testing.T) {
	t.Parallel()
	b := newHosts(t, 3, nil)
	put := func(host int, names ...string) {
		for i, name := range names {
			b.plain[host].ZAdd(t.Context(), "asgimqtt", redis.Z{Score: float64(i + 1), Member: strings.Repeat("p", 12) + "\x81\xa1n\xa1" + name})
		}
	}
	seen := map[string]int{}
	take := func(want int) {
		t.Helper()
		for n := 0; n < want; {
			list, err := b.layer.Receive(t.Context(), 2)
			if err != nil || len(list) > 2 {
				t.Fatalf("%d messages: %v", len(list), err)
			}
			for _, m := range list {
				name, _ := m.Body.Get("n")
				seen[name.(string)]++
				if err := b.layer.Acknowledge(t.Context(), []messages.Receipt{m.Receipt}); err != nil {
					t.Error(err)
				}
			}
			n += len(list)
		}
	}
	put(0, "a", "b", "c")
	put(1, "d", "e", "f")
	put(2, "g")
	take(7)
	b.servers[1].Close()
	put(0, "h")
	put(2, "i")
	take(2)
	if err := b.servers[1].Restart(); err != nil {
		t.Fatal(err)
	}
	put(1, "j")
	take(1)
	for _, name := range strings.Split("abcdefghij", "") {
		if seen[name] != 1 {
			t.Errorf("%s came %d times", name, seen[name])
		}
	}
	for host := range b.plain {
		if keys := b.plain[host].Keys(t.Context(), "asgi*").Val(); len(keys) != 0 {
			t.Errorf("left on host %d: %q", host, keys)
		}
	}
}

// TestPatternedGroup has queues of a group with different capacities.
func TestPatternedGroup(t *testing.T) {
	t.Parallel()
	b := newHosts(t, 1, func(c *layer.Config) {
		c.Capacities = []layer.Pattern{{Glob: "small*", Capacity: 2}, {Glob: "none*", Capacity: 0}, {Glob: "*!b", Capacity: 1}}
	})
	b.join(t, "g", "small", "large", "none", "p!a", "p!b", "q!b")
	outcome, err := b.layer.Send(t.Context(), numbered(3))
	if err != nil || outcome.Stored != 2+3+0+3+1 || len(outcome.FullQueues) != 3 {
		t.Errorf("%+v: %v", outcome, err)
	}
	for key, want := range map[string]int64{"small": 2, "large": 3, "none": 0, "p!": 3, "q!": 1} {
		if got := b.length(t, "asgi"+key); got != want {
			t.Errorf("%s holds %d, want %d", key, got, want)
		}
	}
}

// TestPrefixLengths repeats a batch whatever tells its messages apart.
func TestPrefixLengths(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 4, 8, 12, 20} {
		for _, keys := range [][]string{nil, {"secret"}} {
			b := newHosts(t, 1, func(c *layer.Config) { c.RandomPrefixLength, c.EncryptionKeys = &length, keys })
			b.join(t, "g", "p!a")
			batch := numbered(5)
			for range 3 {
				if outcome, err := b.layer.Send(t.Context(), batch); err != nil || outcome.Stored != 5 {
					t.Errorf("length %d: %+v, %v", length, outcome, err)
				}
			}
			list := b.plain[0].ZRange(t.Context(), "asgip!", 0, -1).Val()
			if len(list) != 5 {
				t.Errorf("length %d, keys %q: %d messages", length, keys, len(list))
			}
			for i, member := range list {
				m, err := b.config.DecodeBody(member[length:])
				if err != nil || !strings.Contains(dump(m), fmt.Sprintf(`"payload": int64 %d,`, i)) {
					t.Errorf("length %d: message %d is %s, %v", length, i, dump(m), err)
				}
			}
		}
	}
}

// TestBinaryInJSON sends bytes where the serializer has none.
func TestBinaryInJSON(t *testing.T) {
	t.Parallel()
	b := newHosts(t, 1, func(c *layer.Config) { c.Serializer = layer.JSON })
	b.join(t, "g", "p!a", "q!a")
	raw := "\xff\x00é"
	outcome, err := b.layer.Send(t.Context(), &messages.Batch{Target: messages.Target{Name: "g"}, Bundles: []messages.Bundle{
		alone(messages.Event{Message: &messages.Message{Topic: "t", Payload: []byte(raw), Properties: &messages.Properties{CorrelationData: []byte(raw)}}}),
		alone(messages.Event{Message: &messages.Message{Topic: "t", Payload: []byte("on")}, Payload: messages.PayloadBytes}),
		alone(messages.Event{Message: &messages.Message{Topic: "t", Payload: []byte("on")}}),
	}})
	if err != nil || outcome.Stored != 6 || outcome.Undecodable != 2 {
		t.Errorf("%+v: %v", outcome, err)
	}
	list := b.plain[0].ZRange(t.Context(), "asgip!", 0, -1).Val()
	want := base64.StdEncoding.EncodeToString([]byte(raw))
	for i, payload := range []string{want, "b24=", "on"} {
		if len(list) != 3 || !strings.Contains(list[i], `"payload": "`+payload+`", "qos": 0`) {
			t.Fatalf("messages %q", list)
		}
	}
	if !strings.Contains(list[0], `"correlation_data": "`+want+`"`) {
		t.Errorf("%s", list[0])
	}
	if _, err := b.core.SendMessages(t.Context(), messages.Target{Name: "g"}, messages.Map{{Key: "b", Value: []byte(raw)}}); err == nil {
		t.Error("bytes that are not of an event were packed")
	}
}

// TestClock has a Redis whose clock is ahead: messages are dated by it.
func TestClock(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	server.SetTime(time.Now().Add(time.Hour))
	c := newClient(t, server.Addr())
	kit.Eventually(t, 20*time.Second, "the difference is known", func() bool {
		return c.Stats().Hosts[0].ClockDifference > 59*time.Minute
	})
	target := messages.Target{Kind: messages.Channel, Name: "general"}
	if _, err := c.Send(t.Context(), &messages.Batch{Target: target, Bundles: numbered(1).Bundles}); err != nil {
		t.Fatal(err)
	}
	list := kit.RedisClient(t, server.Addr()).ZRangeWithScores(t.Context(), "asgigeneral", 0, -1).Val()
	if len(list) != 1 || list[0].Score < float64(time.Now().Add(59*time.Minute).Unix()) {
		t.Errorf("messages %v", list)
	}
}
