package conform

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// layerRegistryKey is of the table, layerOldKey what older versions of the worker have.
const (
	layerRegistryKey = "chanmqttproxy:asgi:mqtt:registry"
	layerOldKey      = "chanmqttproxy:asgi:mqtt:subscriptions"
)

// store writes changes with a client, which begins with what is there.
func (b *layerBench) store(c *LayerClient, changes ...messages.Change) {
	b.t.Helper()
	_, err := c.Restore(b.context())
	if err == nil {
		_, err = c.Write(b.context(), changes)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// wantRegistry compares what a new client finds.
func (b *layerBench) wantRegistry(want []messages.Stored, wantLeaving ...string) {
	b.t.Helper()
	all, err := b.client().Restore(b.context())
	got, leaving := all.Stored, all.Leaving
	if err != nil {
		b.t.Fatal(err)
	}
	for i := range got {
		got[i].Number = 0
	}
	order := func(a, b messages.Stored) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	slices.SortFunc(got, order)
	want = slices.SortedFunc(slices.Values(want), order)
	if !slices.Equal(got, want) {
		b.t.Errorf("stored: %.2000v, want %.2000v", got, want)
	}
	if !slices.Equal(slices.Sorted(slices.Values(leaving)), wantLeaving) {
		b.t.Errorf("leaving: %.2000q, want %.2000q", leaving, wantLeaving)
	}
}

// layerRegistry stores subscriptions with odd filters, changes and removes them.
func layerRegistry(t *testing.T, b *layerBench) {
	c := b.client()
	b.wantRegistry(nil)
	var list []messages.Stored
	for i, filter := range []string{
		"a/+/#", "ä/日/😀", `"quoted"\`, `["group","x","y"]`, "<&>\u2028\x7f\u0001", " ", "leaving", strings.Repeat("é", 30<<10),
	} {
		list = append(list,
			messages.Stored{Filter: filter, Target: layerTarget("g")},
			messages.Stored{Filter: filter, Target: messages.Target{Kind: messages.Channel, Name: "specific.a!1"}, Options: messages.Options{
				QoS: byte(i % 3), NoLocal: i%2 == 1, Payload: messages.PayloadMode(i % 4), Overflow: messages.Overflow(i % 3), Batch: uint16(i * 50),
				MinInterval: time.Duration(i) * 1_100_000_007, Shared: i%3 == 2,
			}})
	}
	var changes []messages.Change
	for i := range list {
		changes = append(changes, messages.Change{Put: &list[i]})
	}
	b.store(c, changes...)
	b.wantRegistry(list)
	b.store(c, changes...)
	b.wantRegistry(list)

	// The last of several changes to one entry counts.
	changed := list[0]
	changed.Options.QoS = 2
	gone := []messages.Stored{list[2], list[5]}
	b.store(c,
		messages.Change{Remove: &list[0], Leaving: "x"}, messages.Change{Put: &changed}, messages.Change{Put: &gone[0], Leaving: `y"/#`},
		messages.Change{Remove: &gone[0]}, messages.Change{Remove: &gone[1], Gone: "x"}, messages.Change{Gone: "never"},
		messages.Change{})
	want := []messages.Stored{changed}
	for i, s := range list {
		if i != 0 && i != 2 && i != 5 {
			want = append(want, s)
		}
	}
	b.wantRegistry(want, `y"/#`)

	// So does the last refusal of a filter.
	refusal := messages.FilterRefusal{Filter: `z"/#`, Kind: "answered", Code: 0x87}
	b.store(c, messages.Change{Refusal: &messages.FilterRefusal{Filter: `z"/#`, Kind: "closed"}}, messages.Change{Refusal: &refusal},
		messages.Change{Refusal: &messages.FilterRefusal{Filter: "x", Kind: "full"}}, messages.Change{Accepted: "x"})
	b.wantRegistry(want, `y"/#`)
	if all, err := b.client().Restore(b.context()); err != nil || len(all.Refusals) != 1 || all.Refusals[0] != refusal {
		t.Errorf("refused are %v (%v), want %v", all.Refusals, err, refusal)
	}

	// A flush of the layer leaves it.
	if keys := b.keys(); len(keys) != 0 {
		t.Errorf("keys inside the layer's prefix: %q", keys)
	}
}

// layerForeignRegistry takes in what an older version, or a person, has written.
func layerForeignRegistry(t *testing.T, b *layerBench) {
	fields := map[string]any{
		`["group","g","plain"]`:                 `{}`,
		`["group","g","more"]`:                  `{"qos":1,"no_local":true,"payload":"json","overflow":"latest","batch":7,"color":"red"}`,
		`["group","g","odd"]`:                   `{"qos":9,"no_local":1,"payload":"xml","overflow":null,"batch":-1}`,
		`["group","g","no value"]`:              ``,
		`["group","g","null"]`:                  `null`,
		`["group","g","list"]`:                  `[1]`,
		`["group","g", "spaces"]`:               `{}`,
		`["crowd","g","x"]`:                     `{}`,
		`["group","","x"]`:                      `{}`,
		`["group","g",""]`:                      `{}`,
		`["group","g"]`:                         `{}`,
		`["leaving"]`:                           `{}`,
		`["leaving",""]`:                        `{}`,
		`["leaving","gone"]`:                    `what is this`,
		`{}`:                                    `{}`,
		`null`:                                  `{}`,
		``:                                      `{}`,
		strings.Repeat("[", 5000):               `{}`,
		"[\"group\",\"g\",\"\xff\"]":            `{}`,
		`["channel","specific.a!1","x","more"]`: `{}`,
	}
	if err := b.hosts[0].HSet(b.context(), layerOldKey, fields).Err(); err != nil {
		t.Fatal(err)
	}
	g := layerTarget("g")
	b.wantRegistry([]messages.Stored{
		{Filter: "plain", Target: g}, {Filter: "odd", Target: g},
		{Filter: "more", Target: g, Options: messages.Options{
			QoS: 1, NoLocal: true, Payload: messages.PayloadJSON, Overflow: messages.OverflowLatest, Batch: 7,
		}},
	}, "gone")
}

// layerManyStored stores and restores two thousand.
func layerManyStored(t *testing.T, b *layerBench) {
	const n = 2000
	c := b.client()
	list := make([]messages.Stored, n)
	changes := make([]messages.Change, n)
	for i := range list {
		list[i] = messages.Stored{Filter: fmt.Sprintf("devices/%d/#", i), Target: layerTarget(fmt.Sprint("g", i%100))}
		changes[i].Put = &list[i]
	}
	start := time.Now()
	b.store(c, changes...)
	stored := time.Now()
	if got, err := c.Restore(b.context()); err != nil || len(got.Stored) != n {
		t.Errorf("restored %d: %v", len(got.Stored), err)
	}
	t.Logf("%d stored in %v, restored in %v", n, stored.Sub(start), time.Since(stored))
	b.wantRegistry(list)
	for i := range changes {
		changes[i] = messages.Change{Remove: &list[i]}
	}
	b.store(c, changes...)
	b.wantRegistry(nil)
}

// layerLive looks at groups and channels in all their states.
func layerLive(t *testing.T, b *layerBench) {
	c := b.client(func(c *layer.Config) { c.Expiry, c.GroupExpiry, c.Capacity = 60, 1000, 3 })
	now := float64(time.Now().Unix())
	put := func(key string, ages ...float64) {
		for i, age := range ages {
			member := redis.Z{Score: now - age, Member: fmt.Sprint("member", i)}
			b.all(func(host *redis.Client) error { return host.ZAdd(b.context(), key, member).Err() })
		}
	}
	put("asgi:group:live", 5000, 900)
	put("asgi:group:expired", 5000, 1100)
	put("asgifew", 40, 1, 0)
	put("asgifull", 3, 2, 1)
	put("asgistuck", 40, 2, 1)
	put("asgiold", 70)
	put("asgispecific.dead!", 70)
	put("asgislow", 40)
	for _, key := range []string{"asgi:group:odd", "asgiodd"} {
		b.all(func(host *redis.Client) error { return host.Set(b.context(), key, "x", 0).Err() })
	}
	var targets []messages.Target
	var want []bool
	expect := func(kind messages.TargetKind, live bool, names ...string) {
		for _, name := range names {
			targets, want = append(targets, messages.Target{Kind: kind, Name: name}), append(want, live)
		}
	}
	expect(messages.Group, true, "live")
	expect(messages.Group, false, "expired", "nobody", "odd")
	expect(messages.Channel, true, "full", "slow", "empty", "specific.empty!1")
	expect(messages.Channel, false, "few", "stuck", "old", "specific.dead!1", "specific.dead!2", "odd")
	for range 8 { // more than one round trip
		targets, want = append(targets, targets...), append(want, want...)
	}
	got, err := c.Live(b.context(), targets)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d answers, %v", len(got), err)
	}
	for i, target := range targets {
		if got[i] != want[i] {
			t.Fatalf("%d: %s is live: %v", i, target, got[i])
		}
	}
}

// layerLiveBusy has more written to a channel than its queue holds: that nobody
// reads it shows though all of it is new.
func layerLiveBusy(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(3))
	for _, name := range []string{"specific.dead!1", "specific.read!1"} {
		target := messages.Target{Kind: messages.Channel, Name: name}
		key := "asgi" + messages.NonLocal(name)
		if name == "specific.dead!1" {
			b.all(func(host *redis.Client) error {
				return host.ZAdd(b.context(), key, redis.Z{Score: 1, Member: "old"}).Err()
			})
		}
		b.wantOutcome(b.send(c, layerBatch(target, layerEvents(0, 2))), messages.Outcome{Stored: 2})
		live, err := c.Live(b.context(), []messages.Target{target})
		if err != nil || live[0] != (name == "specific.read!1") {
			t.Errorf("%s is live: %v, %v", name, live, err)
		}
	}
}

func layerKnownSession(t *testing.T, b *layerBench) {
	c := b.client()
	for range 2 {
		if known, err := c.KnownSession(b.context(), "one"); known || err != nil {
			t.Errorf("known at first: %v, %v", known, err)
		}
	}
	for range 2 {
		if err := c.RememberSession(b.context(), "one"); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]bool{"one": true, "two": false, "": false} {
		if known, err := b.client().KnownSession(b.context(), id); known != want || err != nil {
			t.Errorf("%q known: %v, %v", id, known, err)
		}
	}
	b.all(func(host *redis.Client) error { return host.FlushAll(b.context()).Err() })
	if known, err := c.KnownSession(b.context(), "one"); known || err != nil {
		t.Errorf("known without its data: %v, %v", known, err)
	}
}

// layerDataLoss has Redis lose all it had, its scripts too, under clients that
// have used all of it.
func layerDataLoss(t *testing.T, b *layerBench) {
	first, other := b.client(layerLease(time.Second)), b.client(layerLease(time.Second))
	for round := range 3 {
		b.join("g", "specific.a!1")
		b.wantOutcome(b.send(first, layerBatch(layerTarget("g"), layerEvents(0, 5))), messages.Outcome{Stored: 5})
		b.wantNumbers(b.payloads("asgispecific.a!"), 0, 5)
		b.put(layerCommands(14)...)
		numbers, receipts := b.take(first, 14)
		b.wantNumbers(numbers, 0, 14)
		if err := first.AddDeadLetters(b.context(), []messages.DeadLetter{{Receipt: receipts[0]}}); err != nil {
			t.Fatal(err)
		}
		if n, err := other.RequeueDeadLetters(b.context()); n != 1 || err != nil {
			t.Errorf("round %d: replayed %d: %v", round, n, err)
		}
		numbers, _ = b.take(first, 1)
		b.wantNumbers(numbers, 0, 1)
		b.store(first, messages.Change{Put: &messages.Stored{Filter: "f", Target: layerTarget("g")}})
		b.wantRegistry([]messages.Stored{{Filter: "f", Target: layerTarget("g")}})
		b.all(func(host *redis.Client) error { return host.FlushAll(b.context()).Err() })
		b.all(func(host *redis.Client) error { return host.ScriptFlush(b.context()).Err() })
		b.wantRegistry(nil)
		if err := first.Acknowledge(b.context(), receipts); err != nil {
			t.Fatal(err)
		}
	}
	// What one reader left after all that is found by the other.
	b.put(layerCommands(7)...)
	b.take(first, 7)
	first.Close()
	numbers, _ := b.take(other, 7)
	b.wantNumbers(numbers, 0, 7)
}
