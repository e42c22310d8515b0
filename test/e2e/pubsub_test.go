package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/runtime/embedded"
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

// pubSub is the setting of that back end on a Redis.
func pubSub(redisURL string) string {
	return fmt.Sprintf(`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [%q], "symmetric_encryption_keys": ["key"]}}}`, redisURL)
}

// TestPubSub: the whole program on the other back end, encrypted.
func TestPubSub(t *testing.T) {
	t.Parallel()
	redis := kit.Redis(t)
	broker := kit.Mosquitto(t)
	worker := kit.Worker(t, []string{"MQTT_HOST=" + broker.Addr(), pubSub(redis.URL())}, "run")
	answered(t, redis.URL(), broker.Addr())
	worker.Stop()
}

// TestPubSubEmbedded: the Redis that dev brings serves consumers of that back end.
func TestPubSubEmbedded(t *testing.T) {
	t.Parallel()
	redis, err := embedded.Redis("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(redis.Close)
	broker, url := kit.Mosquitto(t), "redis://"+redis.Addr()
	worker := kit.Worker(t, []string{"MQTT_HOST=" + broker.Addr(), pubSub(url)}, "run")
	answered(t, url, broker.Addr())
	worker.Stop()
}

// answered has a device speak until a consumer's answer comes back to one.
func answered(t *testing.T, redisURL, broker string) {
	t.Helper()
	device := subscribe(t, broker, "answer")
	consumer := kit.StartPython(t, "consumer", pubSubConsumer, redisURL)
	say := again(func() { publish(t, broker, "house/stove", `{"t": 21}`) })
	kit.Eventually(t, time.Minute, "the device hears the answer", func() bool {
		say()
		return strings.Contains(device.Output(), "answer wärm\n")
	})
	if code := consumer.ExitCode(time.Minute); code != 0 {
		t.Errorf("the consumer ended with %d", code)
	}
}
