package layer_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
	"chanmqttproxy/test/probe"
)

// leases asks the script, at a time that the test sets.
func leases(t *testing.T) (*layer.Core, *miniredis.Miniredis) {
	t.Helper()
	server := miniredis.RunT(t)
	return leasesAt(t, server.Addr()), server
}

func leasesAt(t *testing.T, addr string) *layer.Core {
	t.Helper()
	c := layer.NewCore(layer.Config{Redis: kit.RedisOptions(addr)}, slog.New(slog.DiscardHandler))
	t.Cleanup(c.Close)
	return c
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
				want, overtaken := model.Lease(ask)
				if (err != nil) != (overtaken != nil) {
					t.Fatalf("step %d, asked %+v: %v, want %v", step, ask, err, overtaken)
				}
				if overtaken != nil {
					continue
				}
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("step %d, asked %+v:\n%+v, want\n%+v", step, ask, got, want)
				}
				looked(t, client, ask, got)
				held[ask.Worker] = want.Held
				if random.IntN(8) == 0 {
					held[ask.Worker] = nil // the answer was lost
				}
			}
		})
	}
}

// TestLeasesAreModelledOnRedis does so on a real one, by whose clock leases end.
func TestLeasesAreModelledOnRedis(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	addr := kit.Redis(t).Addr()
	client, admin := leasesAt(t, addr), kit.RedisClient(t, addr)
	var now time.Time
	model := probe.NewLeases(func() time.Time { return now })
	held := map[string][]messages.Slot{}
	for step := range 300 {
		time.Sleep(time.Duration(random.IntN(6)) * time.Millisecond)
		if random.IntN(100) == 0 {
			if err := admin.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			model.Lose()
		}
		ask := randomAsk(random, time.Now(), held)
		ask.Lease, ask.RequestSeq = 20*time.Millisecond, uint64(step)
		if !ask.Sent.IsZero() {
			ask.Sent = time.Now().Add(-time.Duration(random.IntN(15)) * time.Millisecond)
		}
		got, err := client.Lease(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		now = got.Now
		want, err := model.Lease(ask)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("step %d, asked %+v:\n%+v, want\n%+v, %v", step, ask, got, want, err)
		}
		held[ask.Worker] = want.Held
	}
}

// looked checks that who only looks sees what a worker was told.
func looked(t *testing.T, client *layer.Core, ask messages.LeaseAsk, told messages.LeaseAnswer) {
	t.Helper()
	seen, err := client.Leases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ask.Leaving && len(told.Held) == 0 {
		told.Workers-- // it counts itself, and is gone
	}
	if seen.Workers != told.Workers || seen.Layout != told.Layout || !reflect.DeepEqual(seen.Slots, told.Slots) {
		t.Fatalf("seen %+v, told %+v", seen, told)
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
		Worker: []string{"w0", "w1", "w2", "w3", "2.w4", "2.w5"}[random.IntN(6)], Name: "host name:1", Lease: 1500 * time.Millisecond, RequestSeq: uint64(now.UnixMilli()),
		Sessions: 1 + random.IntN(2)*5, Propose: odds(10), Down: odds(6), Leaving: odds(12),
		Release: some(12), Cooling: some(16), Doubtful: some(3), Layout: messages.Layout{Sessions: random.IntN(4), Before: random.IntN(4)},
	}
	ask.Held = held[ask.Worker]
	if odds(10) {
		ask.RequestSeq -= uint64(random.IntN(1000)) // as if it had been long on its way
	}
	if !odds(5) {
		ask.Sent = now.Add(-time.Duration(random.IntN(1000)) * time.Millisecond)
	}
	return ask
}

// TestLayoutAfterALoss: what the holder of the first slot knows counts, not what whoever
// asks first is configured with.
func TestLayoutAfterALoss(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, addr string) {
		c := leasesAt(t, addr)
		requestSeq := uint64(0)
		ask := func(worker string, sessions int, change func(*messages.LeaseAsk)) messages.LeaseAnswer {
			t.Helper()
			requestSeq++
			a := messages.LeaseAsk{Worker: worker, Name: "a:1", Lease: time.Minute, Sessions: sessions, RequestSeq: requestSeq}
			change(&a)
			answer, err := c.Lease(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			return answer
		}
		propose := func(a *messages.LeaseAsk) { a.Propose = true }
		first := ask("2.first", 2, propose)
		other := ask("2.other", 3, propose)
		if other.Layout != (messages.Layout{Sessions: 3, Before: 2}) {
			t.Fatalf("before the loss the layout is %+v", other.Layout)
		}
		if err := kit.RedisClient(t, addr).FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		ask("2.third", 2, func(a *messages.LeaseAsk) { a.Sent = other.Now })
		again := ask("2.first", 2, func(a *messages.LeaseAsk) {
			a.Sent, a.Held, a.Layout = first.Now, first.Held, messages.Layout{Sessions: 3, Before: 2}
		})
		later := ask("2.other", 3, func(a *messages.LeaseAsk) { a.Sent = other.Now })
		for _, got := range []messages.LeaseAnswer{again, later} {
			if got.Layout != (messages.Layout{Sessions: 3, Before: 2}) {
				t.Errorf("after the loss the layout is %+v", got.Layout)
			}
		}
	})
}

// TestOvertakenQuestion: what was given up as lost, and comes after later questions, takes
// nothing from a worker that has it again.
func TestOvertakenQuestion(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, addr string) {
		c := leasesAt(t, addr)
		requestSeq := uint64(0)
		ask := func(worker string, release ...int) messages.LeaseAsk {
			requestSeq++
			return messages.LeaseAsk{Worker: worker, Name: "a:1", Lease: time.Minute, Sessions: 1, RequestSeq: requestSeq, Release: release}
		}
		held := func(ask messages.LeaseAsk) int {
			t.Helper()
			a, err := c.Lease(t.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			return len(a.Held)
		}
		held(ask("w"))
		release := ask("w", 0)
		for range 2 { // repeated
			if held(release) != 0 {
				t.Fatal("a slot was not given up")
			}
		}
		if held(ask("w")) != 1 {
			t.Fatal("a slot was not taken again")
		}
		if a, err := c.Lease(t.Context(), release); err == nil {
			t.Errorf("the earlier question has the answer %+v", a)
		}
		if held(ask("v")) != 0 || held(ask("w")) != 1 {
			t.Error("another holds what is held here")
		}
	})
}

// eachRedis runs a test on a real Redis and on the embedded one.
func eachRedis(t *testing.T, test func(*testing.T, string)) {
	t.Helper()
	for name, open := range map[string]func(*testing.T) string{
		"redis":     func(t *testing.T) string { return kit.Redis(t).Addr() },
		"miniredis": func(t *testing.T) string { return miniredis.RunT(t).Addr() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// TestLeasesOfStrangers: what is no lease, or not as it should be, is none.
func TestLeasesOfStrangers(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, addr string) {
		admin := kit.RedisClient(t, addr)
		const key = "chanmqttproxy:asgi:mqtt:slots"
		err := admin.HSet(t.Context(), key, map[string]any{
			"slot:0": "nonsense", "slot:1": "a b c", "slot:x": "w 1 99999999999999", "slot:": "", "worker:": "", "worker:a": "soon 00 x",
			"layout": "many few", "giving": "now", "": "", "other": "\xff",
		}).Err()
		if err != nil {
			t.Fatal(err)
		}
		c := leasesAt(t, addr)
		got, err := c.Lease(t.Context(), messages.LeaseAsk{Worker: "w", Name: "a:1", Lease: time.Second, Sessions: 3})
		if err != nil || len(got.Held) != 3 || got.Workers != 1 || got.Sessions != 3 {
			t.Errorf("%+v, %v", got, err)
		}
		if life := admin.TTL(t.Context(), key).Val(); life <= 0 {
			t.Errorf("the leases live for %v", life)
		}
	})
}
