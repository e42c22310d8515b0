package main_test

import (
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/test/kit"
)

// shutdown is the default of SHUTDOWN_TIMEOUT and something for a busy machine.
const shutdown = 20 * time.Second

// TestSignalsStop: in every state one signal stops the worker with exit code 0.
func TestSignalsStop(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for state, start := range map[string]func(*testing.T) *running{
			"all well": allWell, "nobody there": nobodyThere, "silent broker": silentBroker, "silent redis": silentRedis,
		} {
			t.Run(s.String()+" "+state, func(t *testing.T) {
				t.Parallel()
				r := start(t)
				r.signal(s)
				r.exits(shutdown, 0)
			})
		}
	}
}

func allWell(t *testing.T) *running {
	r := launch(t, nil, "dev")
	r.waitFor("connected to the MQTT broker")
	r.waitFor("reading commands")
	return r
}

func nobodyThere(t *testing.T) *running {
	nobody := net.JoinHostPort("127.0.0.1", strconv.Itoa(kit.FreePort(t)))
	r := launch(t, []string{"REDIS_URL=redis://" + nobody, "MQTT_HOST=" + nobody}, "run")
	r.waitFor("starting")
	return r
}

func silentBroker(t *testing.T) *running {
	addr, met := silent(t)
	r := launch(t, []string{"MQTT_HOST=" + addr}, "dev")
	meet(t, met)
	return r
}

func silentRedis(t *testing.T) *running {
	addr, met := silent(t)
	r := launch(t, []string{"REDIS_URL=redis://" + addr}, "dev")
	meet(t, met)
	return r
}

func meet(t *testing.T, met <-chan struct{}) {
	t.Helper()
	select {
	case <-met:
	case <-time.After(30 * time.Second):
		t.Fatal("the program did not come")
	}
}

// unfinished starts a worker that has published and gets no acknowledgement.
func unfinished(t *testing.T, timeout string) *running {
	t.Helper()
	server := startRedis(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	// {"type": "mqtt.publish", "publish": {"topic": "t", "qos": 1}} behind 12
	// bytes, as channels_redis writes it.
	command := "random bytes\x82\xa4type\xacmqtt.publish\xa7publish\x82\xa5topic\xa1t\xa3qos\x01"
	score := float64(time.Now().UnixMicro()) / 1e6
	if err := client.ZAdd(t.Context(), "asgimqtt", redis.Z{Score: score, Member: command}).Err(); err != nil {
		t.Fatal(err)
	}
	addr, met := stuck(t)
	r := launch(t, []string{"REDIS_URL=redis://" + server.Addr(), "MQTT_HOST=" + addr, "MQTT_VERSION=311", "SHUTDOWN_TIMEOUT=" + timeout}, "run")
	meet(t, met)
	return r
}

func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	r := unfinished(t, "1s")
	r.signal(syscall.SIGTERM)
	r.exits(shutdown, 0)
}

func TestSecondSignalStopsAtOnce(t *testing.T) {
	t.Parallel()
	r := unfinished(t, "10m")
	r.signal(syscall.SIGTERM)
	r.waitFor("stopping")
	r.signal(syscall.SIGTERM)
	r.exits(shutdown, 1)
	r.waitFor("stopped at once")
}
