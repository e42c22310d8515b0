// Package e2e runs the whole program as its users do: the built binary, a real
// Django site in a real browser, a real Redis and a real broker.
package e2e_test

import (
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// The chat of the example site: browser, Daphne, Redis, worker, broker, device
// and back, with nothing faked.
func TestChat(t *testing.T) {
	t.Parallel()
	redis := kit.Redis(t)
	broker := kit.Mosquitto(t)
	worker := kit.Worker(t, []string{"REDIS_URL=" + redis.URL(), "MQTT_HOST=" + broker.Addr()}, "run")
	chat(t, redis.URL(), broker.Addr())
	worker.Stop()
}

// The same on nothing but the program itself: dev's own Redis and broker.
func TestChatOnDev(t *testing.T) {
	t.Parallel()
	listen := fmt.Sprintf("HTTP_LISTEN=127.0.0.1:%d", kit.FreePort(t))
	worker := kit.Worker(t, []string{listen}, "dev")
	redisURL := "redis://" + printed(t, worker, `(?m)^redis +([\d.:]+) `)
	broker := printed(t, worker, `(?m)^broker +([\d.:]+) `)
	chat(t, redisURL, broker)
	worker.Stop()
}

// printed waits until the worker has printed what the pattern matches, and
// returns its group.
func printed(t *testing.T, worker *kit.WorkerProcess, pattern string) string {
	t.Helper()
	var found []string
	kit.Eventually(t, 30*time.Second, "printed: "+pattern, func() bool {
		found = regexp.MustCompile(pattern).FindStringSubmatch(worker.Output())
		return found != nil
	})
	return found[1]
}

// chat types in a room, which a device and another browser in it must hear, and has a
// device publish, which the room must show.
func chat(t *testing.T, redisURL, broker string) {
	t.Helper()
	site := kit.Site(t, redisURL)
	device := subscribe(t, broker, "chat/lobby")
	room := kit.Browser(t)
	room.Open(site.URL + "/chat/lobby/")
	kit.Eventually(t, time.Minute, "the room is connected", func() bool {
		return room.Text("#state") == "connected"
	})

	room.Type("#text", "to the dévices")
	room.Click("#send")
	kit.Eventually(t, time.Minute, "the device hears the room", func() bool {
		return strings.Contains(device.Output(), "chat/lobby to the dévices\n")
	})
	other := kit.Browser(t)
	other.Open(site.URL + "/chat/lobby/")
	kit.Eventually(t, time.Minute, "the other browser is connected", func() bool {
		return other.Text("#state") == "connected"
	})
	say := again(func() {
		room.Type("#text", "to everybody")
		room.Click("#send")
	})
	kit.Eventually(t, time.Minute, "the other browser shows what is typed", func() bool {
		say()
		return strings.Contains(other.Text("#log"), "to everybody")
	})

	// The page can't know when the broker has granted the subscription, and
	// what a device says before is nobody's: it says it again.
	say = again(func() { publish(t, broker, "chat/lobby", "from the device") })
	kit.Eventually(t, time.Minute, "the room shows the device's words", func() bool {
		say()
		return strings.Contains(room.Text("#log"), "from the device")
	})
	site.Stop()
}

// subscribe starts a device that prints each message as "topic payload", and
// returns when it hears. (Its own word on that stays in stdio's buffer.)
func subscribe(t *testing.T, broker, topic string) *kit.Process {
	t.Helper()
	args := append(address(t, broker), "-q", "1", "-t", topic, "-F", "%t %p")
	device := kit.Start(t, "mosquitto_sub", exec.Command(kit.Need(t, "mosquitto_sub"), args...))
	call := again(func() { publish(t, broker, topic, "calling the device") })
	kit.Eventually(t, 30*time.Second, "the device hears itself called", func() bool {
		call()
		return device.Output() != ""
	})
	return device
}

// again is a function that does it at the first call, and then at most twice a
// second.
func again(do func()) func() {
	var last time.Time
	return func() {
		if time.Since(last) >= 500*time.Millisecond {
			last = time.Now()
			do()
		}
	}
}

// publish publishes one message as a device does.
func publish(t *testing.T, broker, topic, payload string) {
	t.Helper()
	args := append(address(t, broker), "-q", "1", "-t", topic, "-m", payload)
	if out, err := exec.Command(kit.Need(t, "mosquitto_pub"), args...).CombinedOutput(); err != nil {
		t.Fatalf("publishing to %s: %v\n%s", topic, err, out)
	}
}

// address is host:port as arguments of the mosquitto clients.
func address(t *testing.T, broker string) []string {
	t.Helper()
	host, port, err := net.SplitHostPort(broker)
	if err != nil {
		t.Fatalf("address of the broker: %v", err)
	}
	return []string{"-h", host, "-p", port}
}
