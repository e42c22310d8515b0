package layer_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// answer is what a worker has to say, with a message in it.
func answer(m *messages.Message, more ...messages.Pair) messages.Event {
	return messages.Event{Message: m, Body: append(messages.Map{
		{Key: "type", Value: "mqtt.response"}, {Key: "id", Value: "é"}, {Key: "none", Value: nil},
		{Key: "yes", Value: true}, {Key: "n", Value: int64(-7)}, {Key: "x", Value: 1.5},
	}, more...)}
}

// TestBodies: what is no MQTT message is written as it is, and what cannot be
// written does not hold up what comes with it.
func TestBodies(t *testing.T) {
	t.Parallel()
	response := &messages.Message{Topic: "re", Payload: []byte("1"), Properties: &messages.Properties{CorrelationData: []byte{0xff}}}
	inner := messages.Map{
		{Key: "topic", Value: "re"}, {Key: "payload", Value: int64(1)}, {Key: "qos", Value: int64(0)}, {Key: "retain", Value: false},
		{Key: "properties", Value: messages.Map{{Key: "correlation_data", Value: []byte{0xff}}}},
	}
	inText := append(inner[:4:4], messages.Pair{Key: "properties", Value: messages.Map{{Key: "correlation_data", Value: "/w=="}}})
	apology := messages.Map{
		{Key: "type", Value: "mqtt.error"}, {Key: "code", Value: messages.CodeBug},
		{Key: "reason", Value: "what the worker had to say cannot be written"}, {Key: "id", Value: "é"},
	}
	for name, test := range map[string]struct {
		event       messages.Event
		serializer  string
		want        messages.Map
		undecodable int
	}{
		"plain":               {answer(nil), "", answer(nil).Body, 0},
		"without a topic":     {answer(&messages.Message{}), "", answer(nil).Body, 0},
		"with a message":      {answer(response), "", answer(nil, messages.Pair{Key: "message", Value: inner}).Body, 0},
		"JSON":                {answer(nil), layer.JSON, answer(nil).Body, 0},
		"JSON, short":         {messages.Event{Body: messages.Map{{Key: "type", Value: "x"}}}, layer.JSON, messages.Map{{Key: "type", Value: "x"}}, 0},
		"JSON with a message": {answer(response), layer.JSON, answer(nil, messages.Pair{Key: "message", Value: inText}).Body, 0},
		"unwritable":          {answer(nil, messages.Pair{Key: "v", Value: "\xff"}), "", apology, 1},
		"unwritable JSON":     {answer(nil, messages.Pair{Key: "v", Value: struct{}{}}), layer.JSON, apology, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := runMiniredis(t).Addr()
			config := layer.Config{Redis: kit.RedisOptions(addr), Serializer: test.serializer}
			c := layer.NewCore(config, slog.New(slog.DiscardHandler))
			defer c.Close()
			// What belongs to one of several consumers carries the layer's own entry.
			target := messages.Target{Kind: messages.Channel, Name: "s.x!y"}
			outcome, err := c.Send(t.Context(), &messages.Batch{Target: target, Bundles: []messages.Bundle{
				alone(test.event), alone(answer(nil)),
			}})
			if err != nil || outcome.Stored != 2 || outcome.Undecodable != test.undecodable {
				t.Fatalf("%+v, %v", outcome, err)
			}
			z := kit.RedisClient(t, addr).ZRange(t.Context(), "asgis.x!", 0, -1).Val()
			got, err := config.DecodeBody(z[0][12:])
			want := append(test.want[:len(test.want):len(test.want)], messages.Pair{Key: "__asgi_channel__", Value: "s.x!y"})
			if err != nil || dump(got) != dump(want) {
				t.Errorf("%s, %v, want %s", dump(got), err, dump(want))
			}
		})
	}
}

const pythonAnswered = `
import asyncio, base64, importlib, json, sys

async def main():
    module, name = sys.argv[1].rsplit(".", 1)
    settings = json.loads(sys.argv[2])
    layer = getattr(importlib.import_module(module), name)(**settings)
    channel = await layer.new_channel()
    ready = asyncio.create_task(say(layer, channel))
    body = {"type": "mqtt.response", "id": "é", "none": None, "yes": True, "n": -7, "x": 1.5}
    m = await asyncio.wait_for(layer.receive(channel), 30)
    ready.cancel()
    assert m == body, m
    data = "/w==" if settings.get("serializer_format") == "json" else b"\xff"
    m = await asyncio.wait_for(layer.receive(channel), 30)
    assert m == {**body, "message": {"topic": "re", "payload": {"on": True}, "qos": 0, "retain": False,
                 "properties": {"correlation_data": data}}}, m
    print("all received")

async def say(layer, channel):
    while True:
        await layer.send("mqtt", {"type": "mqtt.status", "reply_channel": channel})
        await asyncio.sleep(0.1)

asyncio.run(main())
`

// TestBodiesInPython has the real channels_redis read answers.
func TestBodiesInPython(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	for name, test := range map[string]struct {
		backend    string
		pubsub     bool
		serializer string
	}{
		"core":         {"channels_redis.core.RedisChannelLayer", false, layer.MsgPack},
		"core, JSON":   {"channels_redis.core.RedisChannelLayer", false, layer.JSON},
		"pubsub":       {"channels_redis.pubsub.RedisPubSubChannelLayer", true, layer.MsgPack},
		"pubsub, JSON": {"channels_redis.pubsub.RedisPubSubChannelLayer", true, layer.JSON},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prefix := strings.ReplaceAll(t.Name(), "/", "-")
			channel := "mqtt-" + strings.ToLower(strings.NewReplacer("/", "-", ",", "").Replace(t.Name()))
			settings, err := json.Marshal(map[string]any{"hosts": []string{server.URL()}, "prefix": prefix, "serializer_format": test.serializer})
			if err != nil {
				t.Fatal(err)
			}
			c := layer.Open(layer.Config{
				Redis: kit.RedisOptions(server.Addr()), Prefix: &prefix, PubSub: test.pubsub, Serializer: test.serializer, Channel: channel,
			}, slog.New(slog.DiscardHandler))
			t.Cleanup(c.Close)
			python := kit.StartPython(t, "site", strings.Replace(pythonAnswered, `"mqtt"`, `"`+channel+`"`, 1), test.backend, string(settings))
			asked, err := conform.NewLayerClient(c).Receive(t.Context(), 1)
			if err != nil || len(asked) != 1 || asked[0].Fault != nil {
				t.Fatalf("%+v, %v", asked, err)
			}
			reply, _ := asked[0].Body.Get("reply_channel")
			response := &messages.Message{Topic: "re", Payload: []byte(`{"on": true}`), Properties: &messages.Properties{CorrelationData: []byte{0xff}}}
			outcome, err := c.Send(t.Context(), &messages.Batch{
				Target:  messages.Target{Kind: messages.Channel, Name: reply.(string)},
				Bundles: []messages.Bundle{alone(answer(nil)), alone(answer(response))},
			})
			if err != nil || outcome.Stored != 2 || outcome.Undecodable != 0 {
				t.Fatalf("%+v, %v", outcome, err)
			}
			if code := python.ExitCode(30 * time.Second); code != 0 || !strings.Contains(python.Output(), "all received") {
				t.Errorf("python ended with %d", code)
			}
		})
	}
}
