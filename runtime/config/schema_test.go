package config_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"chanmqttproxy/runtime/config"
)

// schema compiles the schema, which says that it is a valid one.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("schema.json")
}

// object is a YAML file as JSON has it.
func object(t *testing.T, file string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(file), &value); err != nil {
		t.Fatal(err)
	}
	packed, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	value, err = jsonschema.UnmarshalJSON(strings.NewReader(string(packed)))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestSchemaHasEverySetting: each flag but --config is a key of the file.
func TestSchemaHasEverySetting(t *testing.T) {
	t.Parallel()
	var document struct {
		Properties map[string]struct{ Description string }
	}
	if err := json.Unmarshal([]byte(config.Schema()), &document); err != nil {
		t.Fatal(err)
	}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	flags.VisitAll(func(f *pflag.Flag) {
		key := strings.ReplaceAll(f.Name, "-", "_")
		if property, ok := document.Properties[key]; f.Name != "config" && (!ok || property.Description == "") {
			t.Errorf("%s has no description in the schema", key)
		}
	})
}

// TestSchemaAgrees: what the schema takes Load takes, and the other way round.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for file, good := range map[string]bool{
		"mqtt_host: a\nmqtt_port: 1\nmqtt_keepalive: 30\nmqtt_session_expiry: 1h\n":                                              true,
		"mqtt_host: [a, b]\nmqtt_port: '1'\nmqtt_will_topic: t\nmqtt_will_retain: 'yes'\n":                                       true,
		"mqtt_version: 311\nmqtt_user:\nlog_format: json\n":                                                                      true,
		"mqtt_version: 3.1.1\nredis_url: redis://a\n":                                                                            true,
		"channel_layers: {default: {BACKEND: channels_redis.core.RedisChannelLayer}}\n":                                          true,
		"channel_layers: {default: {BACKEND: channels_redis.core.RedisChannelLayer, CONFIG: {hosts: [redis://a], expiry: 5}}}\n": true,
		"mqtt_hots: a\n":                                false,
		"mqtt_user: 1\n":                                false,
		"mqtt_version: 4\n":                             false,
		"mqtt_host: {a: b}\n":                           false,
		"mqtt_will_topic: t\nmqtt_will_qos: 3\n":        false,
		"mqtt_tls_insecure: [true]\n":                   false,
		"log_format: xml\n":                             false,
		"channel_layers: {default: {BACKEND: dummy}}\n": false,
		"channel_layers: {other: {}}\n":                 false,
		"channel_layers: {default: {CONFIG: {}}}\n":     false,
		"channel_layers: {default: {BACKEND: channels_redis.core.RedisChannelLayer, CONFIG: {host: []}}}\n": false,
	} {
		if err := s.Validate(object(t, file)); (err == nil) != good {
			t.Errorf("the schema says %v of %s", err, file)
		}
		if _, err := load(t, nil, "--config="+write(t, "c.yaml", file)); (err == nil) != good {
			t.Errorf("Load says %v of %s", err, file)
		}
	}
}

func TestExamplesFit(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../deploy/chanmqttproxy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema(t).Validate(object(t, string(content))); err != nil {
		t.Error(err)
	}
	// The files that it names are those of another machine.
	_, err = load(t, nil, "--config=../deploy/chanmqttproxy.yaml")
	for fault := range strings.Lines(err.Error()) {
		if !strings.Contains(fault, "no such file") && !strings.Contains(fault, "2 faults") {
			t.Error(fault)
		}
	}
}
