package main_test

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/test/kit"
)

func TestCheckSaysThePlan(t *testing.T) {
	t.Parallel()
	r := execute(t, []string{"MQTT_HOST=mqtts://a,b", "MQTT_USER=site", "MQTT_PASSWORD=hunter2", "REDIS_URL=redis://:hunter2@cache/3", "MQTT_ROOT_TOPIC=x"}, "check")
	wants(t, r, 0, []string{
		"mqtts://a:8883, from MQTT_HOST (environment)", "mqtt://b:1883", "site", "kept in Redis",
		"cache:6379, database 3, from REDIS_URL (environment)", `prefix "asgi"`, "channel    mqtt", "MQTT_ROOT_TOPIC is not a setting",
		"warning    MQTT_HOST (environment): a:8883 with TLS, but mqtt://b:1883 without",
	}, nil)
	if strings.Contains(r.out+r.errors, "hunter2") {
		t.Error("it shows a secret")
	}
}

func TestCheckConnects(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Broker("127.0.0.1:0", embedded.BrokerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	environ := []string{"REDIS_URL=redis://" + startRedis(t).Addr(), "MQTT_HOST=" + broker.Addr()}
	wants(t, execute(t, environ, "check", "--connect"), 0, []string{"redis      ok: ", "broker     ok: mqtt://" + broker.Addr() + " speaks MQTT 5"}, nil)
	wants(t, execute(t, environ, "check", "--connect", "--mqtt-version=311"), 0, []string{"speaks MQTT 3.1.1"}, nil)
}

func startRedis(t *testing.T) *embedded.RedisServer {
	t.Helper()
	server, err := embedded.Redis("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// TestCheckFallsBack: the broker answers as one that knows only 3.1.1.
func TestCheckFallsBack(t *testing.T) {
	t.Parallel()
	addr, _ := stuck(t)
	r := execute(t, []string{"REDIS_URL=redis://" + startRedis(t).Addr(), "MQTT_HOST=" + addr}, "check", "--connect")
	wants(t, r, 0, []string{"broker     ok: mqtt://" + addr + " speaks MQTT 3.1.1"}, nil)
}

// TestCheckSaysWhatIsWrong: nobody is there, and the advice names the settings.
func TestCheckSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	nobody := net.JoinHostPort("127.0.0.1", strconv.Itoa(kit.FreePort(t)))
	r := execute(t, []string{"REDIS_URL=redis://:hunter2@" + nobody, "MQTT_HOST=" + nobody}, "check", "--connect")
	wants(t, r, 1, []string{
		"redis      FAILED: ", "is REDIS_URL (environment) right?",
		"broker     FAILED: ", "MQTT_HOST (environment)",
	}, []string{"2 of 2 connections failed"})
	if strings.Contains(r.out+r.errors, "hunter2") {
		t.Error("it shows a secret")
	}
}
