package e2e_test

import (
	"slices"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// Others see the birth message at each connect, before anything else that the
// worker publishes, and the will when it dies, not when it stops.
func TestWillAndBirth(t *testing.T) {
	t.Parallel()
	broker := kit.Mosquitto(t)
	for _, version := range []string{"50", "311"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			topic := "state/" + version
			env := []string{
				"MQTT_VERSION=" + version,
				"MQTT_BIRTH_TOPIC=" + topic, "MQTT_BIRTH_PAYLOAD=online", "MQTT_BIRTH_QOS=1", "MQTT_BIRTH_RETAIN=true",
				"MQTT_WILL_TOPIC=" + topic, "MQTT_WILL_PAYLOAD=offline", "MQTT_WILL_QOS=1", "MQTT_WILL_RETAIN=true",
			}
			redis, watcher := kit.Redis(t), kit.NewDevice(t, broker.Addr())
			watcher.Listen(topic, 2)
			site := kit.NewDjango(t, redis.Addr())
			site.Send(kit.Publish(topic, "command", 1))

			worker := run(t, redis, broker.URL(), env...)
			hears(t, watcher, topic, "online", "command")
			worker.Kill()
			hears(t, watcher, topic, "online", "command", "offline")
			late := kit.NewDevice(t, broker.Addr())
			late.Listen(topic, 2)
			kit.Eventually(t, 10*time.Second, "the will is retained", func() bool {
				return slices.Contains(late.Heard(), kit.Heard{Topic: topic, Payload: "offline", QoS: 1, Retain: true})
			})

			worker = run(t, redis, broker.URL(), env...)
			hears(t, watcher, topic, "online", "command", "offline", "online")
			worker.Stop()
			late.Publish(topic, 1, "end")
			hears(t, watcher, topic, "online", "command", "offline", "online", "end")
		})
	}
}

// hears waits until the device has heard these payloads and nothing else, all
// with QoS 1.
func hears(t *testing.T, d *kit.Device, topic string, payloads ...string) {
	t.Helper()
	kit.Eventually(t, 30*time.Second, "the device hears "+payloads[len(payloads)-1], func() bool {
		return len(d.Heard()) >= len(payloads)
	})
	var want []kit.Heard
	for _, p := range payloads {
		want = append(want, kit.Heard{Topic: topic, Payload: p, QoS: 1})
	}
	if got := d.Heard(); !slices.Equal(got, want) {
		t.Fatalf("heard %v, want %v", got, want)
	}
}

// A broker that retains nothing is no reason to die: what of it concerns the
// settings is said, with what to do.
func TestBrokerWithoutRetain(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t, "retain_available false")
	born := run(t, redis, broker.URL(), "MQTT_BIRTH_TOPIC=state", "MQTT_BIRTH_RETAIN=true")
	logs(t, born, "birth message refused")
	logs(t, born, "unset MQTT_BIRTH_RETAIN")
	born.Stop()
	willing := run(t, redis, broker.URL(), "MQTT_WILL_TOPIC=state", "MQTT_WILL_RETAIN=true")
	logs(t, willing, "unset MQTT_WILL_RETAIN")
	willing.Stop()
}
