package main_test

import (
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	r := execute(t, []string{"MQTT_USER=u", "MQTT_PASSWORD=hunter2"}, "config", "print", "--mqtt-host=b")
	wants(t, r, 0, []string{`mqtt_host: "b"`, "# --mqtt-host (flag)", "# mqtt_password: (secret)"}, nil)
	if strings.Contains(r.out+r.errors, "hunter2") {
		t.Error("it shows a secret")
	}
	wants(t, execute(t, nil, "config", "schema"), 0, []string{`"$schema"`, `"mqtt_password_file"`}, nil)
	wants(t, execute(t, nil, "config", "env"), 0, []string{"#MQTT_HOST=localhost\n"}, nil)
	wants(t, execute(t, nil, "config", "print", "--mqtt-port=x"), 2, nil, []string{"--mqtt-port (flag): "})
	wants(t, execute(t, nil, "config", "env", "x"), 2, nil, nil)
}

// TestCompletion asks as the shells' scripts do.
func TestCompletion(t *testing.T) {
	t.Parallel()
	wants(t, execute(t, nil, "__complete", "run", "--log-format", ""), 0, []string{"text\njson\n:4\n"}, nil)
	wants(t, execute(t, nil, "__complete", "run", "--mqtt-user", ""), 0, []string{":4\n"}, nil)
	wants(t, execute(t, nil, "__complete", "run", "--mqtt-tls-ca", ""), 0, []string{":0\n"}, nil)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		wants(t, execute(t, nil, "completion", shell), 0, []string{"chanmqttproxy"}, nil)
	}
}
