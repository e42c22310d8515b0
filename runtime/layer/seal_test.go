package layer_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
	"chanmqttproxy/test/probe"
)

// vault is a Redis with stored subscriptions, and a log.
type vault struct {
	t     *testing.T
	redis *redis.Client
	log   *probe.Log
}

const vaultKey = "chanmqttproxy:asgi:mqtt:registry"

func newVault(t *testing.T) *vault {
	return &vault{t, kit.RedisClient(t, runMiniredis(t).Addr()), &probe.Log{}}
}

// client is one of a layer with these keys.
func (v *vault) client(keys ...string) *layer.Core {
	v.t.Helper()
	c := layer.NewCore(layer.Config{
		Hosts: []layer.Host{{Redis: v.redis.Options()}}, EncryptionKeys: keys, Expiry: 1,
	}, slog.New(v.log))
	v.t.Cleanup(c.Close)
	return c
}

func (v *vault) store(c *layer.Core, filters ...string) {
	v.t.Helper()
	var changes []messages.Change
	for _, f := range filters {
		changes = append(changes, messages.Change{Put: stored(f)}, messages.Change{Leaving: "left/" + f})
	}
	v.restore(c)
	v.write(c, changes...)
}

func (v *vault) restore(c *layer.Core) messages.Restored {
	v.t.Helper()
	all, err := c.Restore(v.t.Context())
	if err != nil {
		v.t.Fatal(err)
	}
	return all
}

func (v *vault) write(c *layer.Core, changes ...messages.Change) {
	v.t.Helper()
	if _, err := c.Write(v.t.Context(), changes); err != nil {
		v.t.Fatal(err)
	}
}

func stored(filter string) *messages.Stored {
	return &messages.Stored{Filter: filter, Target: messages.Target{Kind: messages.Group, Name: "house"}, Options: messages.Options{QoS: 1}}
}

// raw are the entries that are stored, as text.
func (v *vault) raw() map[string]string {
	v.t.Helper()
	all, err := v.redis.HGetAll(v.t.Context(), vaultKey).Result()
	if err != nil {
		v.t.Fatal(err)
	}
	delete(all, `["head"]`)
	return all
}

// restores compares what a new client with these keys finds.
func (v *vault) restores(keys []string, filters ...string) {
	v.t.Helper()
	c := v.client(keys...)
	all := v.restore(c)
	if intact, err := c.Intact(v.t.Context(), "id", ""); !intact || err != nil {
		v.t.Errorf("what was just read is intact: %v, %v", intact, err)
	}
	var got, left, want []string
	for _, s := range all.Stored {
		if s.Number = 0; s != *stored(s.Filter) {
			v.t.Errorf("restored %+v", s)
		}
		got = append(got, s.Filter)
	}
	for _, f := range filters {
		want = append(want, "left/"+f)
	}
	left = slices.Sorted(slices.Values(all.Leaving))
	slices.Sort(got)
	if !slices.Equal(got, filters) || !slices.Equal(left, want) {
		v.t.Errorf("with keys %q: restored %q, leaving %q, want %q", keys, got, left, filters)
	}
}

// shows says whether a text is in clear in what is stored.
func (v *vault) shows(text string) bool { return strings.Contains(fmt.Sprint(v.raw()), text) }

func TestSealed(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	keys := []string{"key"}
	c := v.client(keys...)
	v.store(c, "secret/a", "secret/b")
	if v.shows("secret") || v.shows("house") || len(v.raw()) != 4 {
		t.Errorf("stored are %q", v.raw())
	}
	time.Sleep(2100 * time.Millisecond) // twice what a message may be old
	v.restores(keys, "secret/a", "secret/b")
	v.store(c, "secret/a") // once more
	v.write(c, messages.Change{Remove: stored("secret/b"), Gone: "left/secret/b"})
	v.restores(keys, "secret/a")
	if v.log.Count("WARN") != 0 {
		t.Errorf("logged %q", v.log.Lines())
	}

	// Without its key it is left out, and left.
	before := v.raw()
	v.restores([]string{"other"})
	v.restores(nil)
	if v.log.Count("undeciphered=4") != 2 || !maps.Equal(v.raw(), before) {
		t.Errorf("logged %q, stored are %q", v.log.Lines(), v.raw())
	}
	v.store(v.client("other"), "secret/c")
	v.restores([]string{"other"}, "secret/c")
	v.restores(keys, "secret/a")
}

// TestSealedTables: what session slots agree on is secret too, also what is gone.
func TestSealedTables(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	c := layer.NewCore(layer.Config{
		Hosts: []layer.Host{{Redis: v.redis.Options()}}, EncryptionKeys: []string{"key"}, Epoch: 1,
		Until: func() time.Time { return time.Now().Add(time.Hour) },
	}, slog.New(v.log))
	t.Cleanup(c.Close)
	if _, err := c.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, b := oldStored("secret/a"), oldStored("secret/b")
	for _, change := range []messages.Change{{Put: &a}, {Put: &b}, {Remove: &b}, {Filter: &messages.FilterStatus{Filter: "secret/a", Granted: true}}} {
		if _, err := c.Write(t.Context(), []messages.Change{change}); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"registry", "status"} {
		fields := v.redis.HGetAll(t.Context(), "chanmqttproxy:asgi:mqtt:"+key).Val()
		for field, value := range fields {
			if strings.Contains(field+value, "secret") {
				t.Errorf("%s shows %q: %q", key, field, value)
			}
		}
		if len(fields) < 2 {
			t.Errorf("%s holds %q", key, fields)
		}
	}
}

// TestSealingWhatWasClear: entries from before there were keys are read once, and stored anew.
func TestSealingWhatWasClear(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.store(v.client(), "secret/a", "secret/b")
	v.restores([]string{"key"}, "secret/a", "secret/b")
	if v.shows("secret") || len(v.raw()) != 4 {
		t.Errorf("stored are %q", v.raw())
	}
	v.restores([]string{"key"}, "secret/a", "secret/b")

	// What is in clear from then on may be anybody's.
	v.store(v.client(), "secret/z")
	v.restores([]string{"key"}, "secret/a", "secret/b")
	if v.log.Count("in_clear=2") != 1 || !v.shows("secret/z") {
		t.Errorf("logged %q, stored are %q", v.log.Lines(), v.raw())
	}
}

// TestSealedByAnOlderKey: any key of the list opens, and the first one seals anew.
func TestSealedByAnOlderKey(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.store(v.client("old"), "secret/a", "secret/b")
	v.restores([]string{"new", "old"}, "secret/a", "secret/b")
	v.restores([]string{"new"}, "secret/a", "secret/b")
	if len(v.raw()) != 4 {
		t.Errorf("stored are %q", v.raw())
	}
}

// TestSealedEntriesStayInTheirPlace: a token counts where it was stored alone.
func TestSealedEntriesStayInTheirPlace(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.store(v.client("key"), "a", "b")
	before := v.raw()
	fields := slices.Sorted(maps.Keys(before))
	move := func(changes ...any) {
		t.Helper()
		ctx := context.Background()
		if err := v.redis.HSet(ctx, vaultKey, before).Err(); err != nil {
			t.Fatal(err)
		}
		if err := v.redis.HSet(ctx, vaultKey, changes...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	move(fields[0], before[fields[1]])
	if all, err := v.client("key").Restore(t.Context()); err != nil || len(all.Stored)+len(all.Leaving) != 3 {
		t.Errorf("an entry under the name of another: %+v, %v", all, err)
	}
	move(`["sealed","x"]`, before[fields[0]])
	if all, err := v.client("key").Restore(t.Context()); err != nil || len(all.Stored)+len(all.Leaving) != 4 {
		t.Errorf("a copy of an entry: %+v, %v", all, err)
	}
	if err := v.redis.Rename(t.Context(), vaultKey, strings.Replace(vaultKey, ":mqtt:", ":other:", 1)).Err(); err != nil {
		t.Fatal(err)
	}
	c := layer.NewCore(layer.Config{Hosts: []layer.Host{{Redis: v.redis.Options()}}, Channel: "other", EncryptionKeys: []string{"key"}}, slog.New(v.log))
	t.Cleanup(c.Close)
	if all, err := c.Restore(t.Context()); err != nil || len(all.Stored)+len(all.Leaving) != 0 {
		t.Errorf("what was stored for another worker: %+v, %v", all, err)
	}
}
