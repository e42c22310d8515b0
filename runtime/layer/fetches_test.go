package layer_test

import (
	_ "embed" // an older script
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

//go:embed testdata/keep1.lua
var olderKeep string

// waiting puts commands into the queue, and returns them.
func waiting(t *testing.T, plain *redis.Client, first, n int) (members []string) {
	t.Helper()
	for i := first; i < first+n; i++ {
		member := fmt.Sprintf("%012d\x80", i)
		members = append(members, member)
		if err := plain.ZAdd(t.Context(), "asgimqtt", redis.Z{Score: float64(i), Member: member}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return members
}

// fetched takes so many commands.
func fetched(t *testing.T, c *conform.LayerClient, n int) []messages.Receipt {
	t.Helper()
	list, err := c.Receive(t.Context(), n)
	if err != nil || len(list) != n {
		t.Fatalf("fetched %d of %d, %v", len(list), n, err)
	}
	receipts := make([]messages.Receipt, n)
	for i, m := range list {
		receipts[i] = m.Receipt
	}
	return receipts
}

// wantKeys checks how many keys of the command channel there are.
func wantKeys(t *testing.T, plain *redis.Client, n int) {
	t.Helper()
	if keys := plain.Keys(t.Context(), "asgimqtt*").Val(); len(keys) != n {
		t.Errorf("in redis: %q, want %d keys", keys, n)
	}
}

// TestOlderWorkersTakeOver: a version whose readers have one in-flight key each finds what a
// newer one has left by several fetches, whole queues and parts of them, and nothing that
// was done.
func TestOlderWorkersTakeOver(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	c := newClient(t, server.Addr())
	all := waiting(t, plain, 0, 5)
	receipts := fetched(t, c, 5)
	all = append(all, waiting(t, plain, 5, 7)...)
	receipts = append(receipts, fetched(t, c, 4)...)
	receipts = append(receipts, fetched(t, c, 3)...)
	all = append(all, waiting(t, plain, 12, 2)...)
	receipts = append(receipts, fetched(t, c, 2)...)
	done := []int{1, 3, 5, 9, 10, 11, 12, 13}
	var gone []messages.Receipt
	for _, i := range done {
		gone = append(gone, receipts[i])
	}
	if err := c.Acknowledge(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	c.Close()
	err := redis.NewScript(olderKeep).Run(t.Context(), plain, []string{"asgimqtt$inflight:old", "chanmqttproxy:asgi:mqtt:peers"},
		"old", 5, 60, "asgimqtt$inflight:", "", false).Err()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, m := range all {
		if !slices.Contains(done, i) {
			want = append(want, m)
		}
	}
	if got := plain.ZRange(t.Context(), "asgimqtt$inflight:old", 0, -1).Val(); !slices.Equal(got, want) {
		t.Errorf("taken over: %q, want %q", got, want)
	}
	wantKeys(t, plain, 1)
	if readers := plain.ZRange(t.Context(), "chanmqttproxy:asgi:mqtt:peers", 0, -1).Val(); !slices.Equal(readers, []string{"old"}) {
		t.Errorf("leases of %q", readers)
	}
}

// TestFetchedAgain: commands in flight that nobody was handed are found, also while others are
// acknowledged. Each is handed out once, and nothing is left.
func TestFetchedAgain(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	c := newClient(t, server.Addr())
	all := waiting(t, plain, 0, 6)
	first := fetched(t, c, 6)
	readers := plain.ZRange(t.Context(), "chanmqttproxy:asgi:mqtt:peers", 0, -1).Val()
	own := slices.IndexFunc(readers, func(name string) bool { return strings.Contains(name, ".") })
	if len(readers) != 2 || own < 0 {
		t.Fatalf("leases of %q", readers)
	}
	// A lost answer leaves this behind.
	lost := readers[own] + "x"
	all = append(all, waiting(t, plain, 6, 3)...)
	plain.Rename(t.Context(), "asgimqtt", "asgimqtt$inflight:"+lost)
	plain.ZAdd(t.Context(), "chanmqttproxy:asgi:mqtt:peers", redis.Z{Score: 1e12, Member: lost})
	// The commands of a dead reader make the client look for more.
	plain.ZAdd(t.Context(), "asgimqtt$inflight:dead", redis.Z{Score: 7.5, Member: "000000000dead\x80"})
	plain.ZAdd(t.Context(), "chanmqttproxy:asgi:mqtt:peers", redis.Z{Score: 1, Member: "dead"})
	if err := c.Acknowledge(t.Context(), first[:2]); err != nil {
		t.Fatal(err)
	}
	second := fetched(t, c, 4)
	want := []string{all[6], all[7], "000000000dead\x80", all[8]}
	for i, r := range second {
		if string(r) != want[i] {
			t.Errorf("command %d is %q, want %q", i, r, want[i])
		}
	}
	for _, some := range [][]messages.Receipt{second[1:], first, first, second} {
		if err := c.Acknowledge(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	wantKeys(t, plain, 0)
}

// TestFetchWithoutRename: a user of Redis who may not rename fetches all the same.
func TestFetchWithoutRename(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	if err := plain.Do(t.Context(), "acl", "setuser", "worker", "on", ">secret", "~*", "&*", "+@all", "-rename").Err(); err != nil {
		t.Fatal(err)
	}
	c := conform.NewLayerClient(layer.NewCore(layer.Config{
		Redis: &redis.Options{Addr: server.Addr(), Username: "worker", Password: "secret"},
	}, slog.New(slog.DiscardHandler)))
	t.Cleanup(c.Close)
	all := waiting(t, plain, 0, 70)
	receipts := fetched(t, c, 70)
	for i, r := range receipts {
		if string(r) != all[i] {
			t.Errorf("command %d is %q", i, r)
		}
	}
	wantKeys(t, plain, 1)
	if err := c.Acknowledge(t.Context(), receipts); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, plain, 0)
}

// TestFetchPartly: a fetch is acknowledged in parts, which name a command several times. The other
// commands stay in flight.
func TestFetchPartly(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	c := newClient(t, server.Addr())
	waiting(t, plain, 0, 3)
	r := fetched(t, c, 3)
	for _, step := range []struct {
		done []messages.Receipt
		left int64
	}{{[]messages.Receipt{r[1], r[1], r[1]}, 2}, {[]messages.Receipt{r[1], r[0]}, 1}, {[]messages.Receipt{r[2], r[0]}, 0}} {
		if err := c.Acknowledge(t.Context(), step.done); err != nil {
			t.Fatal(err)
		}
		var left int64
		for _, key := range plain.Keys(t.Context(), "asgimqtt*").Val() {
			left += plain.ZCard(t.Context(), key).Val()
		}
		if left != step.left {
			t.Errorf("%d are left after %q, want %d", left, step.done, step.left)
		}
	}
}

// TestLeasesAreLost: a reader notes again what it has in flight, so that others find it when
// it has died.
func TestLeasesAreLost(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	c := newClient(t, server.Addr())
	waiting(t, plain, 0, 3)
	fetched(t, c, 3)
	const leases = "chanmqttproxy:asgi:mqtt:peers"
	before := plain.ZRange(t.Context(), leases, 0, -1).Val()
	plain.Del(t.Context(), leases)
	kit.Eventually(t, time.Minute, "the leases are there again", func() bool {
		now := plain.ZRange(t.Context(), leases, 0, -1).Val()
		slices.Sort(now)
		return slices.Equal(now, slices.Sorted(slices.Values(before)))
	})
}
