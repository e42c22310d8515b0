package layer_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// oldBench is a Redis in which older workers have stored something.
type oldBench struct {
	t     *testing.T
	addr  string
	admin *redis.Client
	epoch uint64
	keys  []string
}

func newOldBench(t *testing.T, keys ...string) *oldBench {
	addr := kit.Redis(t).Addr()
	return &oldBench{t: t, addr: addr, admin: kit.RedisClient(t, addr), keys: keys}
}

func (b *oldBench) client(slot int) *layer.Core {
	b.epoch++
	until := time.Now().Add(time.Hour)
	c := layer.NewCore(layer.Config{
		Redis: kit.RedisOptions(b.addr), Slot: slot, Epoch: b.epoch, Until: func() time.Time { return until }, EncryptionKeys: b.keys,
	}, slog.New(slog.DiscardHandler))
	b.t.Cleanup(c.Close)
	return c
}

// older stores as the older version does, in the hash of each slot.
func (b *oldBench) older(slot int, changes ...messages.Change) {
	b.t.Helper()
	c := b.client(slot)
	if err := c.OldStore(b.t.Context(), changes, fmt.Sprint("older:", b.epoch)); err != nil {
		b.t.Fatal(err)
	}
}

// olderHas is what an older worker would find.
func (b *oldBench) olderHas(slot int) messages.Restored {
	b.t.Helper()
	all, err := b.client(slot).OldEntries(b.t.Context(), slot)
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func (b *oldBench) restored(slot int) (*layer.Core, messages.Restored) {
	b.t.Helper()
	c := b.client(slot)
	all, err := c.Restore(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return c, all
}

func (b *oldBench) write(c *layer.Core, changes ...messages.Change) {
	b.t.Helper()
	if _, err := c.Write(b.t.Context(), changes); err != nil {
		b.t.Fatal(err)
	}
}

func oldStored(filter string, change ...func(*messages.Options)) messages.Stored {
	s := messages.Stored{Filter: filter, Target: messages.Target{Kind: messages.Group, Name: "g"}}
	for _, f := range change {
		f(&s.Options)
	}
	return s
}

// filtersOf are those of subscriptions, with what of their options tells them apart.
func filtersOf(list []messages.Stored) string {
	var filters []string
	for _, s := range list {
		filters = append(filters, fmt.Sprint(s.Filter, s.Options.QoS))
	}
	slices.Sort(filters)
	return strings.Join(filters, " ")
}

// TestOldKeys has older workers store something in two slots, a newer one go on with that,
// then an older one again, and so on: each finds what the one before it had.
func TestOldKeys(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]string{"in clear": nil, "sealed": {"new", "old"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newOldBench(t, keys...)
			if err := b.admin.HSet(t.Context(), "chanmqttproxy:asgi:mqtt:slots", "layout", "2 0").Err(); err != nil {
				t.Fatal(err)
			}
			var in [2]string // filters of slot 0 and 1
			for n := 0; in[0] == "" || in[1] == ""; n++ {
				filter := fmt.Sprint("f", n)
				in[topic.Slot(filter, 2)] = filter
			}
			put := func(s messages.Stored) messages.Change { return messages.Change{Put: &s} }
			qos := func(n byte) func(*messages.Options) { return func(o *messages.Options) { o.QoS = n } }
			want := func(what, got, want string) {
				t.Helper()
				if got != want {
					t.Fatalf("%s: %q, want %q", what, got, want)
				}
			}
			of := func(filters ...string) string { return strings.Join(slices.Sorted(slices.Values(filters)), " ") }
			zero, one := in[0], in[1]
			refusal := &messages.FilterRefusal{Filter: one, Kind: "forbidden", Code: 0x87}
			b.older(0, put(oldStored(zero)), put(oldStored("local", func(o *messages.Options) { o.NoLocal = true })), messages.Change{Leaving: "gone"})
			b.older(1, put(oldStored(one, qos(1))), messages.Change{Refusal: refusal})

			early := make(chan struct{}) // who has another slot waits
			waits := b.client(1)
			go func() {
				defer close(early)
				_, _ = waits.Restore(t.Context())
			}()
			time.Sleep(100 * time.Millisecond)
			select {
			case <-early:
				t.Error("the second slot begins before the first has taken in what is there")
			default:
			}
			first, all := b.restored(0)
			<-early
			want("imported", filtersOf(all.Stored), of(zero+"0", one+"1", "local0"))
			want("leaving", fmt.Sprint(all.Leaving), "[gone]")
			second, all := b.restored(1)
			if len(all.Refusals) != 1 || all.Refusals[0] != *refusal {
				t.Errorf("refused: %+v", all.Refusals)
			}
			b.write(first, messages.Change{Epochs: []messages.Epoch{{Number: 1, Sessions: 2}}}, messages.Change{Gone: "gone"})
			b.write(first, put(oldStored(one, qos(2))), put(oldStored("new")), put(oldStored("also")), messages.Change{Leaving: "leaves"})
			unasked := oldStored("static")
			unasked.Static, unasked.Unasked = true, true
			local := oldStored("local")
			b.write(first, put(unasked), messages.Change{Remove: &local})
			b.write(second, messages.Change{Accepted: one}, messages.Change{Refusal: &messages.FilterRefusal{Filter: "r", Kind: "size"}})

			// Nobody imports again what nobody changed.
			_, all = b.restored(0)
			want("restored", filtersOf(all.Stored), of(zero+"0", one+"2", "new0", "also0", "static0"))

			old := []messages.Restored{b.olderHas(0), b.olderHas(1)}
			want("for an older one", filtersOf(slices.Concat(old[0].Stored, old[1].Stored)), of(zero+"0", one+"2", "new0", "also0"))
			for slot, has := range old {
				for _, s := range has.Stored {
					if topic.Slot(s.Filter, 2) != slot {
						t.Errorf("slot %d has %q", slot, s.Filter)
					}
				}
			}
			want("leaving for an older one", fmt.Sprint(old[topic.Slot("leaves", 2)].Leaving), "[leaves]")
			if list := old[1].Refusals; len(list) != 1 || list[0].Filter != "r" {
				t.Errorf("refused for an older one: %+v", list)
			}

			// An older one holds a slot in between.
			gone := oldStored("new")
			b.older(topic.Slot("new", 2), messages.Change{Remove: &gone}, messages.Change{Leaving: "new"})
			b.older(1, put(oldStored(one, qos(1))))
			_, all = b.restored(0)
			want("imported again", filtersOf(all.Stored), of(zero+"0", one+"1", "also0", "static0"))
			if !slices.Contains(all.Leaving, "new") {
				t.Errorf("leaving %q", all.Leaving)
			}
			want("the layout, as nobody has changed it", fmt.Sprint(all.Epochs), "[{1 2}]")
			// An older one has changed the number of slots, and another change is on its way.
			b.older(0, put(oldStored(zero)))
			if err := b.admin.HSet(t.Context(), "chanmqttproxy:asgi:mqtt:slots", "layout", "2 3").Err(); err != nil {
				t.Fatal(err)
			}
			first, all = b.restored(0)
			want("the layout of the older one", fmt.Sprint(all.Epochs), "[{2 3}]")
			// The layout changes.
			b.write(first, messages.Change{Epochs: []messages.Epoch{{Number: 3, Sessions: 2}, {Number: 4, Sessions: 1}}})
			want("the first slot after it", filtersOf(b.olderHas(0).Stored), of(zero+"0", one+"1", "also0"))
			want("the second slot after it", filtersOf(b.olderHas(1).Stored), "")

			// Redis loses the tables but not what is older.
			keys := b.admin.Keys(t.Context(), "chanmqttproxy:asgi:mqtt:registry*").Val()
			if err := b.admin.Del(t.Context(), keys...).Err(); err != nil || len(keys) < 2 {
				t.Fatal(keys, err)
			}
			_, all = b.restored(0)
			want("after the loss", filtersOf(all.Stored), of(zero+"0", one+"1", "also0"))
		})
	}
}

// TestOldStreams has subscriptions of streams in the hash of an older worker: they are
// brought over once, whether there are others already or not.
func TestOldStreams(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]string{"in clear": nil, "sealed": {"key"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newOldBench(t, keys...)
			refusal := messages.FilterRefusal{Filter: "r", Kind: "size"}
			a, other := oldStored("a"), oldStored("b")
			want := func(filters string) *layer.Core {
				t.Helper()
				if wanted, err := b.client(0).StreamsWanted(t.Context()); wanted != (filters != "") || err != nil {
					t.Errorf("wanted: %v, %v", wanted, err)
				}
				c, all := b.restored(messages.StreamSlot)
				if got := filtersOf(all.Stored); got != filters {
					t.Errorf("restored %q, want %q", got, filters)
				}
				if len(all.Refusals) != 1 || all.Refusals[0] != refusal {
					t.Errorf("refused: %v", all.Refusals)
				}
				return c
			}
			b.older(messages.StreamSlot, messages.Change{Put: &a}, messages.Change{Refusal: &refusal})
			want("a0")
			b.write(want("a0"), messages.Change{Put: &other})
			b.older(messages.StreamSlot, messages.Change{Put: &a})
			c := want("a0 b0")
			b.write(c, messages.Change{Remove: &a}, messages.Change{Remove: &other})
			if intact, err := c.Intact(t.Context(), "", ""); !intact || err != nil {
				t.Errorf("intact: %v, %v", intact, err)
			}
			want("")
			if _, all := b.restored(0); len(all.Stored) > 0 {
				t.Errorf("the first slot has %v", all.Stored)
			}
		})
	}
}

// TestOldQueues has commands in the queue of a slot, where an older worker has forwarded them,
// and in flight there: the holder of the first slot gets them, each once.
func TestOldQueues(t *testing.T) {
	t.Parallel()
	b := newOldBench(t)
	ctx := t.Context()
	if err := b.admin.HSet(ctx, "chanmqttproxy:asgi:mqtt:slots", "layout", "1 3").Err(); err != nil {
		t.Fatal(err)
	}
	body := func(n int) string {
		packed, err := layer.AppendMessage(nil, messages.Map{{Key: "type", Value: "mqtt.status"}, {Key: "id", Value: fmt.Sprint(n)}})
		if err != nil {
			t.Fatal(err)
		}
		return "0123456789ab" + string(packed)
	}
	keys := []string{"asgimqtt$slot:1", "asgimqtt$slot:2", "asgimqtt$slot:2$inflight:dead", "asgimqtt", "asgimqtt$slot:1$inflight:gone", "asgimqtt$slot:stream"}
	for n, key := range keys {
		if err := b.admin.ZAdd(ctx, key, redis.Z{Score: float64(time.Now().Unix() + int64(n)), Member: body(n)}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	b.admin.ZAdd(ctx, "chanmqttproxy:asgi:mqtt:peers$slot:2", redis.Z{Score: 1, Member: "dead"})
	b.admin.ZAdd(ctx, "chanmqttproxy:asgi:mqtt:peers$slot:1", redis.Z{Score: 1, Member: "gone"})
	c, _ := b.restored(0)
	var ids []string
	reader := conform.NewLayerClient(c)
	for len(ids) < len(keys) {
		list, err := reader.Receive(ctx, 10)
		if err != nil {
			t.Fatalf("%v; by then there were %q", err, ids)
		}
		for _, m := range list {
			ids = append(ids, fmt.Sprint(m.Body[1].Value))
		}
	}
	if got := fmt.Sprint(ids); got != "[0 1 2 3 4 5]" {
		t.Errorf("received %s", got)
	}
	if left := b.admin.Keys(ctx, "*$slot:*").Val(); len(left) > 0 {
		for _, key := range left {
			if strings.Contains(key, "mqtt$slot") || strings.Contains(key, "peers") {
				t.Errorf("left: %q", key)
			}
		}
	}
}

// TestKeysAreChanged has tables that were written in clear, or sealed by another key.
func TestKeysAreChanged(t *testing.T) {
	t.Parallel()
	b := newOldBench(t)
	c, _ := b.restored(0)
	s := oldStored("a")
	b.write(c, messages.Change{Put: &s})
	for _, keys := range [][]string{{"first"}, {"second", "first"}, {"second"}} {
		b.keys = keys
		if _, all := b.restored(0); filtersOf(all.Stored) != "a0" {
			t.Fatalf("with the keys %q there is %q", keys, filtersOf(all.Stored))
		}
	}
	b.keys = []string{"third"}
	if _, all := b.restored(0); filtersOf(all.Stored) != "" {
		t.Errorf("with another key there is %q", filtersOf(all.Stored))
	}
	for field := range b.admin.HGetAll(t.Context(), "chanmqttproxy:asgi:mqtt:registry").Val() {
		if strings.Contains(field, "group") {
			t.Errorf("in clear there is %q", field)
		}
	}
	b.keys = []string{"second"}
	if _, all := b.restored(0); filtersOf(all.Stored) != "a0" {
		t.Errorf("with the key again there is %q", filtersOf(all.Stored))
	}
}

// FuzzTableEntry reads any field and value: what can be read is written as it was.
func FuzzTableEntry(f *testing.F) {
	for field, value := range map[string]string{
		`["group","g","a/#"]`: `{"qos":1,"static":true,"unasked":true}`, `["leaving","x"]`: "{}", `["filter","x"]`: `{"number":7,"qos":1}`,
		`["newcomer","channel","c","a/#",""]`: "{}", `["epochs"]`: "[[1,2],[3,4]]", `["status"]`: `{"epoch":1}`, `["refused","x"]`: `{"kind":"size"}`,
	} {
		f.Add(field, value)
	}
	f.Fuzz(func(t *testing.T, field, value string) {
		page, ok := layer.TakeEntry(field, value)
		if !ok {
			return
		}
		var changes []messages.Change
		for i := range page.Stored {
			changes = append(changes, messages.Change{Put: &page.Stored[i]})
		}
		for i := range page.Filters {
			changes = append(changes, messages.Change{Filter: &page.Filters[i]})
		}
		for i := range page.Recipients {
			changes = append(changes, messages.Change{Recipient: &page.Recipients[i]})
		}
		if len(page.Epochs) > 0 {
			changes = append(changes, messages.Change{Epochs: page.Epochs})
		}
		for field, value := range layer.EntriesOf(changes) {
			again, ok := layer.TakeEntry(field, value)
			if a, b := dumped(page), dumped(again); !ok || a != b {
				t.Errorf("%q: %q is written as %q: %q and read as\n%s, not\n%s", field, value, field, value, b, a)
			}
		}
	})
}

func dumped(p messages.Page) string {
	b, _ := json.Marshal(p)
	return string(b)
}
