package layer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

const pythonSends = `
import asyncio, sys
from channels_redis.core import RedisChannelLayer

async def main():
    layer = RedisChannelLayer(hosts=[sys.argv[1]])
    for i in range(50):
        await layer.send("mqtt", {"type": "mqtt.publish", "n": i, "publish": {"topic": "é", "payload": b"\xff", "f": 1.5, "l": [None, True]}})
    await layer.close_pools()

asyncio.run(main())
`

const pythonReceives = `
import asyncio, sys
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
    layer = RedisChannelLayer(hosts=[sys.argv[1]])
    names = [await layer.new_channel() for _ in range(3)]
    for name in names:
        await layer.group_add("g", name)
    await asyncio.gather(*(consumer(layer, name) for name in names))
    await layer.close_pools()
    print("all received")

asyncio.run(main())
`

// TestPython has the real channels_redis at the other end.
func TestPython(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	c := newClient(t, server.Addr())

	kit.Python(t, pythonSends, server.URL())
	for n := 0; n < 50; {
		list, err := c.Receive(t.Context(), 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			want := messages.Map{
				{Key: "type", Value: "mqtt.publish"}, {Key: "n", Value: int64(n)},
				{Key: "publish", Value: messages.Map{
					{Key: "topic", Value: "é"}, {Key: "payload", Value: []byte("\xff")},
					{Key: "f", Value: 1.5}, {Key: "l", Value: []any{nil, true}},
				}},
			}
			if dump(m.Body) != dump(want) {
				t.Fatalf("%v %s", m.Fault, dump(m.Body))
			}
			n++
		}
	}

	python := kit.StartPython(t, "receiver", pythonReceives, server.URL())
	plain := server.Client()
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
