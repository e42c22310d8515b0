package layer_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
	"chanmqttproxy/test/probe"
)

// leases asks the script, at a time that the test sets.
func leases(t *testing.T) (*layer.Client, *miniredis.Miniredis) {
	t.Helper()
	server := miniredis.RunT(t)
	c := layer.New(layer.Config{Redis: &redis.Options{Addr: server.Addr()}}, slog.New(slog.DiscardHandler))
	t.Cleanup(c.Close)
	return c, server
}

// TestLeasesAreModelled asks the script and the model the same, at random: what is
// simulated with the model holds for the script.
func TestLeasesAreModelled(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			client, server := leases(t)
			now := time.UnixMilli(1_800_000_000_000)
			model := probe.NewLeases(func() time.Time { return now })
			held := map[string][]messages.Slot{}
			for step := range 200 {
				now = now.Add(time.Duration(random.IntN(900)) * time.Millisecond)
				server.SetTime(now)
				if random.IntN(100) == 0 {
					server.FlushAll()
					model.Lose()
				}
				ask := randomAsk(random, now, held)
				got, err := client.Lease(t.Context(), ask)
				if err != nil {
					t.Fatal(err)
				}
				want := model.Lease(ask)
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("step %d, asked %+v:\n%+v, want\n%+v", step, ask, got, want)
				}
				held[ask.Worker] = want.Held
				if random.IntN(8) == 0 {
					held[ask.Worker] = nil // the answer was lost
				}
			}
		})
	}
}

func randomAsk(random *rand.Rand, now time.Time, held map[string][]messages.Slot) messages.LeaseAsk {
	odds := func(n int) bool { return random.IntN(n) == 0 }
	some := func(n int) (list []int) {
		for i := range 8 {
			if odds(n) {
				list = append(list, i)
			}
		}
		return list
	}
	ask := messages.LeaseAsk{
		Worker: fmt.Sprint("w", random.IntN(4)), Name: "host name:1", Lease: 1500 * time.Millisecond,
		Sessions: 1 + random.IntN(2)*5, Propose: odds(10), Down: odds(6), Leaving: odds(12),
		Release: some(12), Shun: some(16), Moved: some(2), Doubtful: some(3),
	}
	ask.Held = held[ask.Worker]
	if !odds(5) {
		ask.Sent = now.Add(-time.Duration(random.IntN(1000)) * time.Millisecond)
	}
	return ask
}

// TestLeasesOfStrangers: what is no lease, or not as it should be, is none.
func TestLeasesOfStrangers(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) string{
		"redis":     func(t *testing.T) string { return kit.Redis(t).Addr() },
		"miniredis": func(t *testing.T) string { return miniredis.RunT(t).Addr() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := open(t)
			admin := kit.RedisClient(t, addr)
			const key = "chanmqttproxy:asgi:mqtt:slots"
			err := admin.HSet(t.Context(), key, map[string]any{
				"slot:0": "nonsense", "slot:1": "a b c", "slot:x": "w 1 99999999999999", "slot:": "", "worker:": "", "worker:a": "soon 00 x",
				"layout": "many few", "giving": "now", "moved:0": "", "": "", "other": "\xff",
			}).Err()
			if err != nil {
				t.Fatal(err)
			}
			c := layer.New(layer.Config{Redis: &redis.Options{Addr: addr}}, slog.New(slog.DiscardHandler))
			t.Cleanup(c.Close)
			got, err := c.Lease(t.Context(), messages.LeaseAsk{Worker: "w", Name: "a:1", Lease: time.Second, Sessions: 3})
			if err != nil || len(got.Held) != 3 || got.Workers != 1 || got.Sessions != 3 {
				t.Errorf("%+v, %v", got, err)
			}
			if life := admin.TTL(t.Context(), key).Val(); life <= 0 {
				t.Errorf("the leases live for %v", life)
			}
		})
	}
}
