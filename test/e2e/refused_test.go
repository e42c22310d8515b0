package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// A site that sends, by the real channels_redis, what cannot be carried out, and prints
// the answer to each command on a line.
const wrongSite = `
import asyncio, json, sys, time
from channels_redis.core import RedisChannelLayer

form = sys.argv[2]
layer = RedisChannelLayer(hosts=[sys.argv[1]], serializer_format=form, capacity=1000)

def publish(id, payload):
    return {"type": "mqtt.publish", "id": id, "publish": {"topic": "t", "payload": payload}}

commands = [publish("many", [None] * 3_000_000)]
if form == "json":
    deep = []
    for _ in range(500):
        deep = [deep]
    commands += [publish("deep", deep), publish("big", [2 ** 64]), publish("half", "\ud800")]
else:
    commands += [publish("keys", {1: "a"}), publish("bytes", [b"a"])]
commands += [
    {"type": "mqtt.unsubscribe", "id": "slot.moving", "topic": "alarms/#", "group": "alarms"},
    {"type": "mqtt.subscribe", "id": "slot.moving", "topic": "a", "group": "g"},
    {"type": "mqtt.subscribed", "id": "slot.moving", "topic": "alarms/#", "group": "alarms"},
    {"type": "mqtt.error", "id": "slot.moving", "topic": "alarms/#", "group": "alarms", "code": "refused"},
]

async def main():
    channel = await layer.new_channel()
    await layer.group_add("all", "mqtt")
    for m in commands:
        m["reply_channel"] = channel
        await layer.send("mqtt", m)
        print(json.dumps(await asyncio.wait_for(layer.receive(channel), 50)))
    # The layer's own entry cannot be a site's.
    m = {**commands[-4], "__asgi_channel__": "mqtt$slot:0"}
    try:
        await layer.send("mqtt", m)
        sys.exit("it was sent")
    except AssertionError:
        pass
    await layer.group_send("all", m)
    print(json.dumps(await asyncio.wait_for(layer.receive(channel), 50)))
    # Nobody is answered elsewhere than in a channel of his own.
    for other in (":group:alarms", "mqtt$slot:0", "mqtt"):
        await layer.send("mqtt", {**commands[-3], "reply_channel": other})
    await layer.send("mqtt", {**publish("last", "x"), "reply_channel": channel})
    print(json.dumps(await asyncio.wait_for(layer.receive(channel), 50)))

asyncio.run(main())
`

// TestWrongCommandsAreAnswered: whoever sends a command that cannot be read as a whole,
// or that looks like one of the worker's own, is told so.
func TestWrongCommandsAreAnswered(t *testing.T) {
	t.Parallel()
	for form, want := range map[string][]string{
		"msgpack": {"many bad-command", "keys bad-command", "bytes bad-type"},
		"json":    {"many bad-command", "deep bad-command", "big bad-command", "half bad-command"},
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			redis, broker := kit.Redis(t), kit.Mosquitto(t)
			f := newFile(t, "subscriptions:", "  - {topic: alarms/#, group: alarms, qos: 1}")
			worker := kit.Worker(t, []string{"LOG_FORMAT=text", "MQTT_HOST=" + broker.Addr(), fmt.Sprintf(
				`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [%q], "serializer_format": %q}}}`,
				redis.URL(), form)}, "run", "--config", f.path)
			logs(t, worker, "connected to the MQTT broker")
			want = append(want, "slot.moving denied", "slot.moving mqtt.subscribed", "slot.moving unknown-type", "slot.moving unknown-type",
				"slot.moving denied", "last mqtt.published")
			got := strings.Split(strings.TrimSpace(kit.Python(t, wrongSite, redis.URL(), form)), "\n")
			if len(got) != len(want) {
				t.Fatalf("the answers are\n%s", strings.Join(got, "\n"))
			}
			for i, line := range got {
				var answer struct{ Type, ID, Code string }
				if err := json.Unmarshal([]byte(line), &answer); err != nil {
					t.Fatal(err)
				}
				what := answer.Code
				if what == "" {
					what = answer.Type
				}
				if answer.ID+" "+what != want[i] {
					t.Errorf("%s, want %s", line, want[i])
				}
			}
			kit.Eventually(t, 30*time.Second, "the others are dead letters", func() bool {
				return strings.Count(letters(t, redis, "list"), " is refused: ") == 3
			})
			if members := redis.Client().ZCard(t.Context(), "asgi:group:alarms").Val(); members != 0 {
				t.Error("an answer has become a member of a group")
			}
			worker.Stop()
		})
	}
}
