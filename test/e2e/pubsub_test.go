package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// A consumer on the pub/sub back end: it answers the first message it gets.
const pubSubConsumer = `
import asyncio, sys
from channels_redis.pubsub import RedisPubSubChannelLayer

async def main():
    layer = RedisPubSubChannelLayer(hosts=[sys.argv[1]], symmetric_encryption_keys=["key"])
    name = await layer.new_channel()
    await layer.group_add("house", name)
    asking = asyncio.create_task(ask(layer))
    m = await asyncio.wait_for(layer.receive(name), 50)
    asking.cancel()
    assert m["message"]["payload"] == {"t": 21}, m
    await layer.send("mqtt", {"type": "mqtt.publish", "publish": {"topic": "answer", "payload": "wärm", "qos": 1, "retain": False}})
    print("answered")

async def ask(layer):
    while True:
        await layer.send("mqtt", {"type": "mqtt.subscribe", "topic": "house/+", "group": "house"})
        await asyncio.sleep(0.2)

asyncio.run(main())
`

// TestPubSub: the whole program on the other back end, encrypted.
func TestPubSub(t *testing.T) {
	t.Parallel()
	redis := kit.Redis(t)
	broker := kit.Mosquitto(t)
	env := []string{"MQTT_HOST=" + broker.Addr(), fmt.Sprintf(
		`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [%q], "symmetric_encryption_keys": ["key"]}}}`, redis.URL())}
	worker := kit.Worker(t, env, "run")
	device := subscribe(t, broker.Addr(), "answer")
	consumer := kit.StartPython(t, "consumer", pubSubConsumer, redis.URL())
	say := again(func() { publish(t, broker.Addr(), "house/stove", `{"t": 21}`) })
	kit.Eventually(t, time.Minute, "the device hears the answer", func() bool {
		say()
		return strings.Contains(device.Output(), "answer wärm\n")
	})
	if code := consumer.ExitCode(10 * time.Second); code != 0 {
		t.Errorf("the consumer ended with %d", code)
	}
	worker.Stop()
}
