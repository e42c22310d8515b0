package layer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// A consumer of the real back end, which sends a command when it is ready.
const pythonPubSub = `
import asyncio, json, sys
from channels_redis.pubsub import RedisPubSubChannelLayer

async def main():
    layer = RedisPubSubChannelLayer(hosts=sys.argv[2:], **json.loads(sys.argv[1]))
    name = await layer.new_channel()
    for group in ("g", "h", "i"):
        await layer.group_add(group, name)
    other = await layer.new_channel()
    await layer.group_add("g", other)
    ready = asyncio.create_task(say(layer, name))
    got = {}
    while sum(map(len, got.values())) < 80:
        m = await asyncio.wait_for(layer.receive(name), 30)
        ready.cancel()
        assert m["type"] == "mqtt.message", m
        got.setdefault(m["message"]["topic"], []).append(m["message"]["payload"]["n"])
    assert got == {t: list(range(20)) for t in "ghic"}, got
    for i in range(20):
        m = await asyncio.wait_for(layer.receive(other), 30)
        assert m["message"]["payload"] == {"n": i}, m
    print("all received")

async def say(layer, name):
    while True:
        await layer.send("mqtt", {"type": "mqtt.subscribe", "topic": "é", "channel": name})
        await asyncio.sleep(0.1)

asyncio.run(main())
`

// TestPubSubPython has the real channels_redis at the other end, both ways.
func TestPubSubPython(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings string
		hosts    int
		change   func(*layer.Config)
	}{
		"plain":       {`{}`, 1, func(*layer.Config) {}},
		"prefix":      {`{"prefix": "site"}`, 1, func(c *layer.Config) { prefix := "site"; c.Prefix = &prefix }},
		"three hosts": {`{}`, 3, func(*layer.Config) {}},
		"encrypted": {`{"symmetric_encryption_keys": ["new", "old"]}`, 1, func(c *layer.Config) {
			c.EncryptionKeys = []string{"new", "old"}
		}},
		"json": {`{"serializer_format": "json"}`, 2, func(c *layer.Config) { c.Serializer = layer.JSON }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var servers []*kit.RedisServer
			arguments := []string{test.settings}
			for range test.hosts {
				servers = append(servers, kit.Redis(t))
				arguments = append(arguments, servers[len(servers)-1].URL())
			}
			config := pubSubConfig(servers...)
			test.change(&config)
			talk(t, newPubSub(t, config), arguments)
		})
	}
}

func talk(t *testing.T, p *layer.PubSub, arguments []string) {
	t.Helper()
	python := kit.StartPython(t, "consumer", pythonPubSub, arguments...)
	list, err := p.Receive(t.Context(), 1)
	if err != nil || len(list) != 1 || list[0].Fault != nil {
		t.Fatalf("%+v, %v", list, err)
	}
	if topic, _ := list[0].Body.Get("topic"); topic != "é" {
		t.Fatalf("%v", list[0].Body)
	}
	channel, _ := list[0].Body.Get("channel")
	for _, target := range []messages.Target{{Name: "g"}, {Name: "h"}, {Name: "i"}, {Kind: messages.Channel, Name: channel.(string)}} {
		batch := &messages.Batch{Target: target}
		topic := target.Name
		if target.Kind == messages.Channel {
			topic = "c"
		}
		for i := range 20 {
			batch.Bundles = append(batch.Bundles, alone(messages.Event{
				Message: &messages.Message{Topic: topic, Payload: fmt.Appendf(nil, `{"n": %d}`, i)},
			}))
		}
		if outcome, err := p.Send(t.Context(), batch); err != nil || outcome.Stored != 20 {
			t.Fatalf("%v: %+v, %v", target, outcome, err)
		}
	}
	if code := python.ExitCode(30 * time.Second); code != 0 || !strings.Contains(python.Output(), "all received") {
		t.Errorf("python ended with %d", code)
	}
}
