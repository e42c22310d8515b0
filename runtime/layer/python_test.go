package layer_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

const pythonSends = `
import asyncio, json, sys
from channels_redis.core import RedisChannelLayer

async def main():
    layer = RedisChannelLayer(**json.loads(sys.argv[1]))
    payload = "\xff" if layer._serializer.__class__.__name__.startswith("JSON") else b"\xff"
    for i in range(50):
        await layer.send("mqtt", {"type": "mqtt.publish", "n": i, "publish": {"topic": "é", "payload": payload, "f": 1.5, "l": [None, True]}})
    await layer.close_pools()

asyncio.run(main())
`

const pythonReceives = `
import asyncio, json, sys
from channels_redis.core import RedisChannelLayer

async def consumer(layer, name):
    def event(i):
        return {"topic": "t/é", "payload": {"n": i, "x": float("inf")}, "qos": 1, "retain": False}
    for i in range(60):
        m = await layer.receive(name)
        assert m == {"type": "mqtt.message", "message": event(i)}, (i, m)
    for n in (1, 20):
        m = await layer.receive(name)
        assert m == {"type": "mqtt.messages", "messages": [event(i) for i in range(n)]}, m
    m = await layer.receive(name)
    assert m == {"type": "mqtt.message", "message": event(9)}, m

async def main():
    layer = RedisChannelLayer(**json.loads(sys.argv[1]))
    names = [await layer.new_channel() for _ in range(3)]
    for name in names:
        await layer.group_add("g", name)
    await asyncio.gather(*(consumer(layer, name) for name in names))
    await layer.close_pools()
    print("all received")

asyncio.run(main())
`

// TestPython has the real channels_redis at the other end, in all forms.
func TestPython(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]struct {
		hosts  int
		django map[string]any
		config layer.Config
	}{
		"simple":    {1, map[string]any{}, layer.Config{}},
		"hosts":     {3, map[string]any{}, layer.Config{}},
		"json":      {1, map[string]any{"serializer_format": "json"}, layer.Config{Serializer: layer.JSON}},
		"encrypted": {1, map[string]any{"symmetric_encryption_keys": []string{"a"}}, layer.Config{EncryptionKeys: []string{"a", "b"}}},
		"all": {2,
			map[string]any{"serializer_format": "json", "symmetric_encryption_keys": []string{"é", "a"}, "random_prefix_length": 4},
			layer.Config{Serializer: layer.JSON, EncryptionKeys: []string{"a", "é"}, RandomPrefixLength: new(4)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var urls []string
			config := form.config
			for range form.hosts {
				server := kit.Redis(t)
				urls = append(urls, server.URL())
				config.Hosts = append(config.Hosts, layer.Host{Redis: &redis.Options{Addr: server.Addr()}})
			}
			form.django["hosts"] = urls
			settings, err := json.Marshal(form.django)
			if err != nil {
				t.Fatal(err)
			}
			c := layer.New(config, slog.New(slog.DiscardHandler))
			t.Cleanup(c.Close)
			sendByPython(t, c, form.config.Serializer == layer.JSON, form.hosts == 1, string(settings))
			at := config.Hosts[layer.Ring("g", form.hosts)].Redis.Addr
			receiveInPython(t, c, kit.RedisClient(t, at), string(settings))
		})
	}
}

// sendByPython has Python send commands. With several hosts they come in no
// order.
func sendByPython(t *testing.T, c *layer.Client, text, ordered bool, settings string) {
	kit.Python(t, pythonSends, settings)
	payload := any([]byte("\xff"))
	if text {
		payload = "\u00ff"
	}
	seen := map[int64]bool{}
	for len(seen) < 50 {
		list, err := c.Receive(t.Context(), 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			n, _ := m.Body.Get("n")
			want := messages.Map{
				{Key: "type", Value: "mqtt.publish"}, {Key: "n", Value: n},
				{Key: "publish", Value: messages.Map{
					{Key: "topic", Value: "é"}, {Key: "payload", Value: payload},
					{Key: "f", Value: 1.5}, {Key: "l", Value: []any{nil, true}},
				}},
			}
			number, ok := n.(int64)
			if !ok || seen[number] || ordered && int(number) != len(seen) || dump(m.Body) != dump(want) {
				t.Fatalf("%v %s", m.Fault, dump(m.Body))
			}
			seen[number] = true
		}
	}
}

// receiveInPython sends events to consumers in Python.
func receiveInPython(t *testing.T, c *layer.Client, plain *redis.Client, settings string) {
	python := kit.StartPython(t, "receiver", pythonReceives, settings)
	kit.Eventually(t, 30*time.Second, "python joined the group", func() bool {
		return plain.ZCard(t.Context(), "asgi:group:g").Val() == 3
	})
	batch := &messages.Batch{Target: messages.Target{Kind: messages.Group, Name: "g"}}
	var events []messages.Event
	for i := range 60 {
		events = append(events, messages.Event{QoS: 1, Message: &messages.Message{
			Topic: "t/é", QoS: 2, Payload: fmt.Appendf(nil, `{"n": %d, "x": Infinity}`, i),
		}})
		batch.Bundles = append(batch.Bundles, alone(events[i]))
	}
	batch.Bundles = append(batch.Bundles,
		messages.Bundle{Plural: true, Events: events[:1]}, messages.Bundle{Plural: true, Events: events[:20]})
	if outcome, err := c.Send(t.Context(), batch); err != nil || outcome.Stored != 62 {
		t.Fatalf("%+v, %v", outcome, err)
	}
	// And what goes to one queue by itself is for the same consumers.
	queue := messages.Queue{Members: plain.ZRange(t.Context(), "asgi:group:g", 0, -1).Val()}
	queue.Name = messages.NonLocal(queue.Members[0])
	single := &messages.Batch{Target: batch.Target, Bundles: []messages.Bundle{alone(events[9])}, Queue: &queue}
	if outcome, err := c.Send(t.Context(), single); err != nil || outcome.Stored != 1 {
		t.Fatalf("%+v, %v", outcome, err)
	}
	if code := python.ExitCode(30 * time.Second); code != 0 || !strings.Contains(python.Output(), "all received") {
		t.Errorf("python ended with %d", code)
	}
}
