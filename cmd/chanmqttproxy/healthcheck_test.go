package main_test

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"

	"chanmqttproxy/test/kit"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	asked := []string{"HTTP_LISTEN=" + address, "HTTP_PROXY=http://192.0.2.1:1"}
	wants(t, execute(t, asked, "healthcheck"), 1, nil, []string{"does it run"})
	for _, verb := range []string{"healthcheck", "tree"} {
		wants(t, execute(t, nil, verb, "--help"), 0, []string{"(by default 127.0.0.1:8083, as for dev"}, nil)
		if r := execute(t, nil, verb); r.code == 2 { // whether somebody answers there is not this test's
			t.Errorf("%s without an address: %s", verb, r.errors)
		}
	}

	r := launch(t, asked[:1], "dev")
	r.waitFor("connected to the MQTT broker")
	kit.Eventually(t, shutdown, "it is ready", func() bool { return execute(t, asked, "healthcheck").code == 0 })
	wants(t, execute(t, asked, "healthcheck", "--live"), 0, nil, nil)

	nobody := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	address = fmt.Sprintf(":%d", kit.FreePort(t))
	asked = []string{"HTTP_LISTEN=" + address}
	launch(t, []string{asked[0], "MQTT_HOST=" + nobody}, "dev").waitFor("no connection to the MQTT broker")
	wants(t, execute(t, asked, "healthcheck", "--live"), 0, nil, nil)
	wants(t, execute(t, asked, "healthcheck"), 1, nil, []string{"not well: no connection to the MQTT broker"})
}

// TestDevSaysWhatToCopy: dev says first what it does, and what it prints to be copied has the
// ports that it took, where the usual ones are used by others.
func TestDevSaysWhatToCopy(t *testing.T) {
	t.Parallel()
	for _, port := range []string{"6379", "1883", "8083"} {
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil { // else another test has it
			defer l.Close()
		}
	}
	dev := launch(t, nil, "dev")
	dev.waitFor("# The page")
	dev.waitFor("serving the page")
	wrote := dev.written()
	if !strings.HasPrefix(wrote, "Starting a Redis, an MQTT broker, the worker and simulated devices. Ctrl-C stops everything.\n") {
		t.Error("it does not begin with what it does")
	}
	if n := strings.Count(wrote, "is used by another program: taking a free one"); n != 3 {
		t.Errorf("it says of %d of 3 ports that they are taken", n)
	}
	host, port, _ := net.SplitHostPort(printed(dev, "broker"))
	page := regexp.MustCompile(`"address":"(http://127[^"]+)"`).FindStringSubmatch(wrote)
	for _, line := range []string{
		fmt.Sprintf("mosquitto_pub -h %s -p %s -t ", host, port),
		fmt.Sprintf(`"CONFIG": {"hosts": ["redis://%s"]}}}`, printed(dev, "redis")),
		"\n" + page[1] + "\n",
	} {
		if !strings.Contains(wrote, line) {
			t.Errorf("it does not say %q", line)
		}
	}
}

// TestDevWithoutMosquitto: what dev says to publish with works where mosquitto's clients are
// not installed.
func TestDevWithoutMosquitto(t *testing.T) {
	t.Parallel()
	dev := launch(t, []string{"PATH=" + t.TempDir()}, "dev")
	dev.waitFor("connected to the MQTT broker")
	line := regexp.MustCompile(`(?m)^# Publish something:\n(.+)$`).FindStringSubmatch(dev.written())
	if line == nil {
		t.Fatal("it does not say how to publish")
	}
	words := strings.Fields(line[1])
	if words[0] != program {
		t.Errorf("it says to run %s", words[0])
	}
	wants(t, execute(t, nil, words[1:]...), 0, []string{"mqtt.published", "house/kitchen/door"}, nil)
}
