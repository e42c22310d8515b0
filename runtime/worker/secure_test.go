package worker_test

import (
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/test/kit"
)

// packed is a dict of text as channels_redis writes it: MessagePack behind twelve
// random bytes. An entry may be another dict.
func packed(pairs ...any) string {
	s := string([]byte{0x80 | byte(len(pairs)/2)})
	for _, p := range pairs {
		switch p := p.(type) {
		case string:
			s += string([]byte{0xa0 | byte(len(p))}) + p
		case []any:
			s += packed(p...)
		}
	}
	return s
}

// send sends one command to the worker.
func send(t *testing.T, server *embedded.RedisServer, pairs ...any) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	score := float64(time.Now().UnixMicro()) / 1e6
	if err := client.ZAdd(t.Context(), "asgimqtt", redis.Z{Score: score, Member: "random bytes" + packed(pairs...)}).Err(); err != nil {
		t.Fatal(err)
	}
}

// TestSecuredBroker: the access list of the documentation is enough for a worker,
// by TLS and with a password, and holds it to what it names.
func TestSecuredBroker(t *testing.T) {
	t.Parallel()
	acl, err := os.ReadFile("../deploy/mosquitto/acl")
	if err != nil {
		t.Fatal(err)
	}
	cert, key := kit.Certificate(t)
	lines := append(kit.MosquittoPasswords(t, "site", "hunter2"), kit.MosquittoACL(t, string(acl))...)
	secured := kit.Mosquitto(t, append(lines, "certfile "+cert, "keyfile "+key, "tls_version tlsv1.2")...)
	server, err := embedded.Redis("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	r := start(t, "REDIS_URL=redis://"+server.Addr(), "MQTT_HOST=mqtts://"+secured.Addr(), "MQTT_TLS_CA="+cert, "MQTT_USER=site", "MQTT_PASSWORD=hunter2",
		"METRICS_FILTERS=house/#, other/#", "MQTT_WILL_TOPIC=site/worker", "MQTT_BIRTH_TOPIC=site/worker", "MQTT_BIRTH_QOS=1")
	r.becomes("/readyz", 200, "")
	send(t, server, "type", "mqtt.subscribe", "topic", "house/#", "group", "g")
	kit.Eventually(t, soon, "it is subscribed", func() bool { return r.metric("subscriptions") == "1" })
	r.becomes("/readyz", 200, "")
	send(t, server, "type", "mqtt.publish", "publish", []any{"topic", "house/lamp/set"})
	kit.Eventually(t, soon, "its own message comes back", func() bool { return r.metric("messages_received_total") == "1" })
	if house, other := r.metric(`filter_messages_total{filter="house/#"}`), r.metric(`filter_messages_total{filter="other/#"}`); house != "1" || other != "0" {
		t.Errorf("counted %s and %s", house, other)
	}
	send(t, server, "type", "mqtt.publish", "publish", []any{"topic", "house/lamp/other"})
	kit.Eventually(t, soon, "the other is refused", func() bool { return r.metric(`publishes_total{result="refused"}`) == "1" })
}

// named has a Redis know the name of a stream.
func named(t *testing.T, url, stream string) {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	defer client.Close()
	if err := client.SAdd(t.Context(), "chanmqttproxy:asgi:mqtt:streams", stream).Err(); err != nil {
		t.Fatal(err)
	}
}
