package e2e_test

import (
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// comesThrough waits until a publish of the site comes back to it through the broker.
func comesThrough(t *testing.T, redis *kit.RedisServer, topic string) {
	t.Helper()
	site := kit.NewDjango(t, redis.Addr())
	site.Join(topic)
	site.Send(kit.Subscribe(topic, topic, 1))
	in := read(t, site)
	kit.Eventually(t, 30*time.Second, "a publish comes back through the broker", func() bool {
		site.Send(kit.Publish(topic, "hello", 1))
		time.Sleep(50 * time.Millisecond)
		return in.has("hello")
	})
}

// amqtt never answers a version 5 CONNECT, and leaves the connection open.
func TestFallsBackWhereNothingIsAnswered(t *testing.T) {
	t.Parallel()
	broker, redis := kit.Amqtt(t), kit.Redis(t)
	worker := run(t, redis, broker.URL(), "MQTT_CONNECT_TIMEOUT=1s")
	logs(t, worker, `cause="no answer to CONNECT"`)
	logs(t, worker, "version=3.1.1")
	comesThrough(t, redis, "slow.amqtt")
	worker.Stop()
}

// The third server is reached though two accept connections and say nothing, and a
// server that was silent for several CONNECTs is used when it answers.
func TestSilentServers(t *testing.T) {
	t.Parallel()
	silent, other, good, redis := kit.Mosquitto(t), kit.Mosquitto(t), kit.Mosquitto(t), kit.Redis(t)
	silent.Freeze()
	t.Cleanup(silent.Thaw)
	other.Freeze()
	t.Cleanup(other.Thaw)
	list := *good.URL()
	list.Host = silent.Addr() + "," + other.Addr() + "," + good.Addr()
	worker := run(t, redis, &list, "MQTT_CONNECT_TIMEOUT=500ms")
	logs(t, worker, "broker="+good.URL().String())
	comesThrough(t, redis, "slow.third")

	good.Kill()
	logs(t, worker, "no connection to the MQTT broker")
	silent.Thaw()
	logs(t, worker, "broker="+silent.URL().String())
	comesThrough(t, redis, "slow.first")
	worker.Stop()
}
