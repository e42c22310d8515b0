package layer_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// TestIntact has all or a part of what is stored get lost. It is noticed, also where
// something else was stored since; and it is not when it has been written again.
func TestIntact(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	config := layer.Config{Redis: &redis.Options{Addr: server.Addr()}, Until: func() time.Time { return time.Now().Add(time.Hour) }}
	c := layer.New(config, slog.New(slog.DiscardHandler))
	t.Cleanup(c.Close)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	put := func(filter string) messages.Change {
		return messages.Change{Put: &messages.Stored{Filter: filter, Target: messages.Target{Name: "g"}}}
	}
	all := []messages.Change{put("a"), put("b"), {Leaving: "c"}, {Session: "id"}}
	want := func(when string, want bool) {
		t.Helper()
		got, err := c.Intact(ctx, "id", "id")
		must(err)
		if got != want {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
		if id := plain.Get(ctx, "chanmqttproxy:asgi:mqtt:client-id").Val(); id != "id" {
			t.Errorf("%s: the client id is %q", when, id)
		}
	}
	const key = "chanmqttproxy:asgi:mqtt:subscriptions"
	_, err := c.Restore(ctx)
	must(err)
	want("without the session", false)
	must(c.Store(ctx, all))
	want("stored", true)
	must(c.Store(ctx, []messages.Change{put("d"), put("a")}))
	must(c.Store(ctx, []messages.Change{{Remove: put("d").Put}}))
	want("stored more, and less", true)
	for name, lose := range map[string]func(){
		"flushed":           func() { plain.FlushAll(ctx) },
		"evicted":           func() { plain.Del(ctx, key) },
		"one entry":         func() { plain.HDel(ctx, key, `["group","g","a"]`) },
		"the mark":          func() { plain.HDel(ctx, key, `["leaving","c"]`) },
		"the session":       func() { plain.Del(ctx, "chanmqttproxy:asgi:mqtt:sessions") },
		"another edition":   func() { plain.HSet(ctx, key, `["edition"]`, "x:1") },
		"flushed, and more": func() { plain.FlushAll(ctx); must(c.Store(ctx, []messages.Change{put("d")})) },
	} {
		lose()
		want(name, false)
		_, err := c.Restore(ctx)
		must(err)
		must(c.Store(ctx, append(all, messages.Change{Remove: put("d").Put})))
		want(name+" and repaired", true)
	}
}
