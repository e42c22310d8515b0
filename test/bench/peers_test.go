package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

func TestPeersTable(t *testing.T) {
	t.Parallel()
	if text := peersTable(nil); text != "" {
		t.Errorf("of nothing: %q", text)
	}
	one := func(scenario, who string, figures map[string]float64) result {
		return result{Scenario: scenario, Who: who, Figures: figures}
	}
	results := []result{
		one("peers-in", "worker", map[string]float64{rate: 20_000, cpu: 2.5}),
		one("peers-in", "worker", map[string]float64{rate: 30_000, cpu: 3.5, "noise": 0.04}),
		one("peers-in", "mqttasgi 2.0.0", map[string]float64{rate: 900}),
		one("peers-burst", "mqttasgi 2.0.0", map[string]float64{"sent": 5000, "lost_msgs": 12, "reordered": 3}),
		one("peers-restart", "worker", map[string]float64{"sent": 1000, "lost_msgs": 0, "whole_s": 0.25}),
		one("peers-restart", "mqttasgi 2.0.0", map[string]float64{"sent": 1000, "lost_msgs": 900}),
	}
	long, short := peersTable(results), shortPeersTable(results)
	for _, line := range []string{
		"| | worker | chanmqttproxy 0.1 | mqttasgi 2.0.0 | twenty lines of paho |\n|---|--:|--:|--:|--:|\n",
		"| messages a second in | 25,000 | - | 900 | - |",
		"| out of 5,000 in at once: lost | - | - | 12 | - |",
		"| after a restart of the broker: seconds until messages come | 0.25 | - | not in 40 | - |",
	} {
		if !strings.Contains(long, line) || !strings.Contains(short, line) {
			t.Errorf("no %q in\n%s\nor in\n%s", line, long, short)
		}
	}
	if want := "\nRuns: up to 2. While messages came in, other programs took 4 % of the machine at most.\n"; !strings.HasSuffix(long, want) {
		t.Errorf("no %q at the end of\n%s", want, long)
	}
	if line := "| CPU for a message in, µs | 30 | - | - | - |"; !strings.Contains(long, line) || strings.Contains(short, line) {
		t.Errorf("%q is for the long table alone\n%s\n%s", line, long, short)
	}
}

func TestMissingAndOvertaken(t *testing.T) {
	t.Parallel()
	var list []arrival
	for _, n := range []int{0, 2, 1, 2, 5, 9} {
		list = append(list, arrival{number: n})
	}
	if n := missing(list, 1, 6); n != 2 {
		t.Errorf("%d missing, want 2: 3 and 4", n)
	}
	if n := overtaken(list); n != 1 {
		t.Errorf("%d overtaken, want 1", n)
	}
}

func TestNumberOf(t *testing.T) {
	t.Parallel()
	event := func(payload messages.Value) messages.Map {
		return messages.Map{{Key: "message", Value: messages.Map{{Key: "payload", Value: payload}}}}
	}
	if n, ok := numberOf(event(messages.Map{{Key: "n", Value: int64(7)}})); n != 7 || !ok {
		t.Errorf("got %d, %v", n, ok)
	}
	for _, m := range []messages.Map{nil, event("text"), event(messages.Map{})} {
		if n, ok := numberOf(m); ok {
			t.Errorf("%v has number %d", m, n)
		}
	}
}

// TestTwentyLines: the lines do what they are measured at, in both directions.
func TestTwentyLines(t *testing.T) {
	t.Parallel()
	redis, mqtt := kit.Redis(t), kit.Mosquitto(t)
	device := kit.NewDevice(t, mqtt.Addr())
	device.Listen("bench/traffic/o", 1)
	member := kit.NewDjango(t, redis.Addr())
	member.Join(peerGroup)
	cmd := exec.Command(kit.SitePython(t), "python/peer_lines.py")
	cmd.Env = peerEnvironment("python", "", redis, mqtt)
	kit.Start(t, "twenty lines", cmd)
	kit.Eventually(t, time.Minute, "a message comes to the group", func() bool {
		device.Publish(peerTopic, 1, `{"n": 3}`)
		return slices.ContainsFunc(member.Read(200*time.Millisecond), func(m messages.Map) bool {
			n, ok := numberOf(m)
			return ok && n == 3
		})
	})
	member.Send(kit.Publish("bench/traffic/o", "out", 1))
	kit.Eventually(t, time.Minute, "a command is published", func() bool { return len(device.Heard()) == 1 })
}
