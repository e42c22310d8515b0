package config_test

import (
	"slices"
	"testing"
)

// TestNeedRestart: what differs and cannot change is named, wherever it was given.
func TestNeedRestart(t *testing.T) {
	t.Parallel()
	before := must(t, []string{"MQTT_USER=a", "LOG_LEVEL=warn"}, "--config="+write(t, "a.yaml", "mqtt_host: [a, b]\nmqtt_allow_subscribe: [x]\n"))
	for name, c := range map[string]struct {
		environ []string
		file    string
		want    []string
	}{
		"the same":        {[]string{"MQTT_USER=a"}, "mqtt_host: [a, b]\n", nil},
		"another form":    {[]string{"MQTT_USER=a", "MQTT_HOST=a,b"}, "{}\n", nil},
		"what can change": {[]string{"MQTT_USER=a"}, "mqtt_host: [a, b]\nlog_level: mqtt=debug\nmqtt_allow_subscribe: [y]\nmqtt_allow_publish: [z]\n", nil},
		"others":          {[]string{"COMMAND_WINDOW=7"}, "mqtt_host: c\n", []string{"COMMAND_WINDOW", "MQTT_HOST", "MQTT_USER"}},
		"a secret":        {[]string{"MQTT_USER=a", "MQTT_PASSWORD_FILE=" + write(t, "p", secret)}, "mqtt_host: [a, b]\n", []string{"MQTT_PASSWORD"}},
	} {
		if got := before.NeedRestart(must(t, c.environ, "--config="+write(t, "b.yaml", c.file))); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
