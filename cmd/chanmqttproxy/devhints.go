package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"

	"chanmqttproxy/runtime/config"
)

// opening is what dev writes first: what it is about to do.
func opening(cfg *config.Config, withDemo, serve bool) string {
	var parts []string
	if serve || !ownRedis(cfg) {
		parts = append(parts, "a Redis")
	}
	if serve || !ownBroker(cfg) {
		parts = append(parts, "an MQTT broker")
	}
	parts = append(parts, "the worker")
	if withDemo {
		parts = append(parts, "simulated devices")
	}
	last := len(parts) - 1
	text := parts[last]
	if last > 0 {
		text = strings.Join(parts[:last], ", ") + " and " + text
	}
	if serve {
		text += " (servers that run already are used)"
	}
	return "Starting " + text + ". Ctrl-C stops everything."
}

// hints are lines to copy: what to publish, what to put into the settings of a site, and
// where the page is. Each has a comment above it.
func hints(own *servers, page string, withDemo, serve bool) string {
	var b strings.Builder
	if own.broker != nil {
		topic, payload := "hello", "world"
		if withDemo {
			topic, payload = "house/kitchen/door", "opened"
		}
		fmt.Fprintf(&b, "\n# Publish something:\n%s\n", publisher(own, topic, payload))
	}
	if own.redis != nil && !serve {
		fmt.Fprintf(&b, "\n# In the settings of your site:\nCHANNEL_LAYERS = {\"default\": {\"BACKEND\": \"channels_redis.core.RedisChannelLayer\", \"CONFIG\": {\"hosts\": [\"redis://%s\"]}}}\n", own.redis.Addr())
	}
	if page != "" {
		fmt.Fprintf(&b, "\n# The page, with a chat at %schat/:\n%[1]s\n", page)
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

// publisher is the command that publishes a message to dev's broker: mosquitto's, or this
// program's own where that is not installed.
func publisher(own *servers, topic, payload string) string {
	host, port, _ := net.SplitHostPort(own.broker.Addr())
	if _, err := exec.LookPath("mosquitto_pub"); err == nil {
		return fmt.Sprintf("mosquitto_pub -h %s -p %s -t %s -m %s", host, port, topic, payload)
	}
	program := "chanmqttproxy"
	if _, err := exec.LookPath(program); err != nil {
		program, _ = os.Executable() // as "go run" has it
	}
	if own.redis != nil {
		program += " --redis-url redis://" + own.redis.Addr()
	}
	return fmt.Sprintf("%s send publish topic=%s payload=%s", program, topic, payload)
}
