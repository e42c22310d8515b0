package layer_test

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// One subscription more costs each process one entry, whether there are few others or many:
// nobody reads them again.
func TestCostOfOneMoreSubscription(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	admin := kit.RedisClient(t, server.Addr())
	until := time.Now().Add(time.Hour)
	open := func(c layer.Config) layer.Client {
		c.Redis = kit.RedisOptions(server.Addr())
		client := layer.Open(c, slog.New(slog.DiscardHandler))
		t.Cleanup(client.Close)
		return client
	}
	writer := open(layer.Config{Epoch: 1, Until: func() time.Time { return until }})
	if _, err := writer.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	readers := []*tableReader{{client: open(layer.Config{})}, {client: open(layer.Config{})}}
	write := func(changes ...messages.Change) {
		if _, err := writer.Write(t.Context(), changes); err != nil {
			t.Fatal(err)
		}
	}
	put := func(name string, n int) (changes []messages.Change) {
		for i := range n {
			changes = append(changes, messages.Change{Put: &messages.Stored{
				Filter: fmt.Sprint(name, "/", i, "/+"), Target: messages.Target{Kind: messages.Group, Name: "many"}, Options: messages.Options{QoS: 1},
			}})
		}
		return changes
	}
	cost := func(name string) (calls, sent int64) {
		const times = 20
		calls, sent = spent(t, admin)
		for i := range times {
			write(put(fmt.Sprint(name, i), 1)...)
			for _, r := range readers {
				if n := r.read(t, t.Context()); n != 1 {
					t.Errorf("a reader hears of %d subscriptions, want 1", n)
				}
			}
		}
		after, sentAfter := spent(t, admin)
		return (after - calls) / times, (sentAfter - sent) / times
	}
	write(append(put("first", 10), messages.Change{Epochs: []messages.Epoch{{Number: 1, Sessions: 3}}})...)
	for _, r := range readers {
		r.read(t, t.Context())
	}
	fewCalls, fewSent := cost("few")
	write(put("fill", 5_000)...)
	for _, r := range readers {
		r.read(t, t.Context())
	}
	manyCalls, manySent := cost("many")
	t.Logf("one more costs %d calls and %d bytes from Redis beside few, %d and %d beside 5,000", fewCalls, fewSent, manyCalls, manySent)
	const slack = 3 // of what a client does by itself
	if manyCalls > fewCalls+slack || manySent > fewSent+500 {
		t.Error("it costs more where there are more")
	}
}

// tableReader is a process that follows the tables.
type tableReader struct {
	client layer.Client
	known  []messages.Position
}

// read reads all that is new, and says of how many subscriptions it was told.
func (r *tableReader) read(t *testing.T, ctx context.Context) (told int) {
	t.Helper()
	if r.known == nil {
		r.known = make([]messages.Position, 4) // the registry, and three slots
	}
	for {
		pages, err := r.client.Follow(ctx, r.known, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(pages) == 0 {
			return told
		}
		for _, p := range pages {
			told += len(p.Stored)
			r.known[p.Table+1] = p.At
		}
	}
}

var calls = regexp.MustCompile(`cmdstat_\S+?:calls=(\d+)`)

// spent is how many commands Redis has carried out, those of scripts too, and how many bytes
// it has sent.
func spent(t *testing.T, admin *redis.Client) (n, sent int64) {
	t.Helper()
	info, err := admin.Info(t.Context(), "commandstats", "stats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range calls.FindAllStringSubmatch(info, -1) {
		k, _ := strconv.ParseInt(m[1], 10, 64)
		n += k
	}
	m := regexp.MustCompile(`total_net_output_bytes:(\d+)`).FindStringSubmatch(info)
	if m == nil {
		t.Fatal("Redis does not say how much it has sent")
	}
	sent, _ = strconv.ParseInt(m[1], 10, 64)
	return n, sent
}
