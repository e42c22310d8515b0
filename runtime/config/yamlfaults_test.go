package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"chanmqttproxy/runtime/config"
)

// TestYAMLFaults: what is wrong with a file of settings is said all at once, by lines, and
// in no words of Go's.
func TestYAMLFaults(t *testing.T) {
	t.Parallel()
	for content, wanted := range map[string][]string{
		"mqtt_port: 1883\nmqtt_port: 1884\nmqtt_user: a\nmqtt_user: b\n": {"line 2: mqtt_port is there already, at line 1", "line 4: mqtt_user is there already, at line 3"},
		"just text":                {"line 1: settings are wanted, as mqtt_host: localhost"},
		"- mqtt_host: localhost":   {"line 1: settings are wanted"},
		"mqtt_port: 1\n  a: b\n":   {"not YAML: line 2: mapping values are not allowed"},
		"mqtt_port: x\nredis: 1\n": {`"x" is not a whole number`, "redis (", "no such setting"},
	} {
		path := filepath.Join(t.TempDir(), "settings.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		config.AddFlags(flags)
		if err := flags.Set("config", path); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(config.Input{Flags: flags})
		if err == nil {
			t.Errorf("%q is taken", content)
			continue
		}
		for _, want := range wanted {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v\nwant %s", content, err, want)
			}
		}
		for _, word := range []string{"unmarshal", "!!", "interface", "map[", ": yaml"} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("%q: %v\nhas %s in it", content, err, word)
			}
		}
	}
}
