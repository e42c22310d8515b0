package layer_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// TestEqualTimes writes ten thousand messages for one member while the clock
// stands still: Python reads them in order.
func TestEqualTimes(t *testing.T) {
	t.Parallel()
	const count, size = 2_000, 50
	server := kit.Redis(t)
	c := layer.NewCore(layer.Config{Redis: kit.RedisOptions(server.Addr()), Capacity: count, Expiry: 3600}, slog.New(slog.DiscardHandler))
	t.Cleanup(c.Close)
	c.Freeze(time.Now())
	site := kit.Channels(t, "4.3", siteScript)
	ask := func(result any, do string, with ...any) {
		t.Helper()
		if err := site.Ask(t.Context(), result, do, with...); err != nil {
			t.Fatal(err)
		}
	}
	ask(nil, "open_layer", "order", "core", map[string]any{"hosts": []string{server.URL()}, "capacity": count, "expiry": 3600})
	var consumer string
	ask(&consumer, "join", "order", []string{"g"})
	for sent := 0; sent < count; sent += size {
		batch := &messages.Batch{Target: messages.Target{Name: "g"}}
		for n := range size {
			batch.Bundles = append(batch.Bundles, alone(messages.Event{Message: &messages.Message{Payload: fmt.Append(nil, sent+n)}}))
		}
		if outcome, err := c.Send(t.Context(), batch); err != nil || outcome.Stored != size {
			t.Fatalf("%+v, %v", outcome, err)
		}
	}
	var inOrder int
	ask(&inOrder, "count", "order", consumer, count)
	if inOrder != count {
		t.Errorf("message %d is another", inOrder)
	}
}
