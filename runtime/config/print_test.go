package config_test

import (
	"strings"
	"testing"

	"chanmqttproxy/runtime/config"
)

func TestYAMLShowsSources(t *testing.T) {
	t.Parallel()
	file := write(t, "c.yaml", "mqtt_host: [a, b]\n")
	got := must(t, []string{"MQTT_USER=a \"<b>\"", "REDIS_URL=redis://:" + secret + "@a", "MQTT_PASSWORD_FILE=" + write(t, "p", secret)},
		"--config="+file, "--mqtt-keepalive=7").YAML()
	for _, line := range []string{
		`mqtt_host: "a,b" # mqtt_host (` + file + `)`,
		`mqtt_user: "a \"<b>\"" # MQTT_USER (environment)`,
		`# mqtt_password: (secret) # MQTT_PASSWORD_FILE (environment)`,
		`mqtt_keepalive: "7" # --mqtt-keepalive (flag)`,
		`# redis_url: (secret) # REDIS_URL (environment)`,
		`# mqtt_version: 50 # default`,
		`# mqtt_port: (1883, 8883 with TLS) # default`,
	} {
		if !strings.Contains(strings.Join(strings.Fields(got), " "), line) {
			t.Errorf("no line %s", line)
		}
	}
	if strings.Contains(got, secret) {
		t.Error("it shows a secret")
	}
	if t.Failed() {
		t.Log(got)
	}
}

// TestYAMLIsAFile: what is printed means the same when it is read.
func TestYAMLIsAFile(t *testing.T) {
	t.Parallel()
	args := []string{"--mqtt-host=a:1,b", "--mqtt-version=3.1.1", "--mqtt-client-id=#1", "--mqtt-will-topic=t: x", "--mqtt-will-retain", "--shutdown-timeout=1.5"}
	first := must(t, nil, args...).YAML()
	second := must(t, nil, "--config="+write(t, "c.yaml", first)).YAML()
	if a, b := withoutComments(first), withoutComments(second); a != b {
		t.Errorf("it became\n%s\nof\n%s", b, a)
	}
}

func withoutComments(file string) string {
	var b strings.Builder
	for line := range strings.Lines(file) {
		if value := strings.TrimSpace(line[:strings.LastIndex(line, "#")]); value != "" {
			b.WriteString(value + "\n")
		}
	}
	return b.String()
}

// TestEnvIsTheDefault: the file for the environment with every setting taken out
// of its comment changes nothing.
func TestEnvIsTheDefault(t *testing.T) {
	t.Parallel()
	var environ []string
	for line := range strings.Lines(config.Env()) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "# ") {
			environ = append(environ, line[1:])
		}
	}
	// Payload, QoS and retain want a topic.
	environ = append(environ, "MQTT_WILL_TOPIC=t", "MQTT_BIRTH_TOPIC=t")
	c := must(t, environ)
	if servers(c) != "mqtt://localhost:1883" || len(c.Ignored) > 0 || len(environ) < 30 {
		t.Errorf("%d settings: %+v", len(environ), c)
	}
}
