package config_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
)

// load reads a configuration from an environment and command line arguments.
func load(t *testing.T, environ []string, args ...string) (*config.Config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatalf("parsing %q: %v", args, err)
	}
	return config.Load(config.Input{Flags: flags, Environ: environ})
}

func must(t *testing.T, environ []string, args ...string) *config.Config {
	t.Helper()
	c, err := load(t, environ, args...)
	if err != nil {
		t.Fatalf("loading %q %q: %v", environ, args, err)
	}
	return c
}

// write puts a file into the test's directory and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func servers(c *config.Config) string {
	var all []string
	for _, server := range c.Broker.Servers {
		all = append(all, server.String())
	}
	return strings.Join(all, " ")
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.Load(config.Input{})
	if err != nil {
		t.Fatal(err)
	}
	b, l := c.Broker, c.Layer
	for what, ok := range map[string]bool{
		"servers":        servers(c) == "mqtt://localhost:1883",
		"credentials":    b.User == "" && b.Password == "",
		"version":        b.Version == messages.MQTT5,
		"channel":        c.Channel == "mqtt",
		"client id":      b.ClientID == "",
		"times":          b.KeepAlive == 30*time.Second && b.SessionExpiry == time.Hour && c.ShutdownTimeout == 10*time.Second,
		"receive":        b.ReceiveMaximum == 1024,
		"batch":          b.SubscribeBatch == 500,
		"TLS":            b.TLS != nil && !b.TLS.InsecureSkipVerify && b.TLS.RootCAs == nil,
		"allowed":        strings.Join(c.AllowSubscribe, " ") == "#" && strings.Join(c.AllowPublish, " ") == "#",
		"status group":   c.StatusGroup == "" && c.Subscriptions == nil,
		"will and birth": b.Will == nil && b.Birth == nil,
		"redis":          l.Hosts[0].Redis.Addr == "localhost:6379" && l.Hosts[0].Redis.Password == "" && l.Hosts[0].Redis.DB == 0,
		"layer":          l.Prefix == "asgi" && l.Expiry == time.Minute && l.GroupExpiry == 24*time.Hour && l.Capacity == 100,
		"log":            c.Log.Level == slog.LevelInfo && c.Log.Format == config.LogAuto,
		"source":         c.Source("MQTT_HOST") == config.Default,
	} {
		if !ok {
			t.Errorf("%s: %+v", what, c)
		}
	}
}

// TestPrecedence gives one setting in all places, and takes the strongest away
// one after the other.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := "--config=" + write(t, "c.yaml", "mqtt_user: from-file\n")
	environ, flag := []string{"MQTT_USER=from-environment"}, "--mqtt-user=from-flag"
	for _, c := range []struct {
		got    *config.Config
		user   string
		source config.Source
	}{
		{must(t, environ, file, flag), "from-flag", config.Flag},
		{must(t, environ, file), "from-environment", config.Environment},
		{must(t, nil, file), "from-file", config.File},
		{must(t, nil), "", config.Default},
	} {
		if c.got.Broker.User != c.user || c.got.Source("MQTT_USER") != c.source {
			t.Errorf("got %q from %v, want %q from %v", c.got.Broker.User, c.got.Source("MQTT_USER"), c.user, c.source)
		}
	}
}

func TestEmptyEnvironmentIsNotSet(t *testing.T) {
	t.Parallel()
	c := must(t, []string{"MQTT_PORT=", "MQTT_USER=", "MQTT_HOTS="})
	if servers(c) != "mqtt://localhost:1883" || c.Source("MQTT_PORT") != config.Default {
		t.Errorf("an empty variable counted: %s", servers(c))
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"c.yaml": `
mqtt_host: [a, "b:2883"]
mqtt_port: 1884
mqtt_version: 311
mqtt_keepalive: 45
mqtt_session_expiry: 0
mqtt_will_topic: state
mqtt_will_retain: true
mqtt_password:
channel_layers:
  default:
    BACKEND: channels_redis.core.RedisChannelLayer
    CONFIG: {hosts: [[cache, 6380]], prefix: "", capacity: 7}
`,
		"c.toml": `
mqtt_host = "a,b:2883"
mqtt_port = 1884
mqtt_version = "3.1.1"
mqtt_keepalive = "45s"
mqtt_session_expiry = "0"
mqtt_will_topic = "state"
mqtt_will_retain = true
[channel_layers.default]
BACKEND = "channels_redis.core.RedisChannelLayer"
CONFIG = {hosts = [["cache", 6380]], prefix = "", capacity = 7}
`,
	} {
		c := must(t, nil, "--config="+write(t, name, content))
		b, l := c.Broker, c.Layer
		if servers(c) != "mqtt://a:1884 mqtt://b:2883" || b.Version != messages.MQTT311 ||
			b.KeepAlive != 45*time.Second || b.SessionExpiry != 0 {
			t.Errorf("%s: %+v", name, b)
		}
		if b.Will == nil || b.Will.Topic != "state" || !b.Will.Retain {
			t.Errorf("%s: will %+v", name, b.Will)
		}
		if l.Hosts[0].Redis.Addr != "cache:6380" || l.Prefix != "" || l.Capacity != 7 || l.Expiry != time.Minute {
			t.Errorf("%s: layer %+v", name, l)
		}
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	c := must(t, nil, "--mqtt-host=mqtts://broker", "--mqtt-tls-insecure", "--log-level=WARNING", "--shutdown-timeout=1500ms")
	if servers(c) != "mqtts://broker:8883" || !c.Broker.TLS.InsecureSkipVerify ||
		c.Log.Level != slog.LevelWarn || c.ShutdownTimeout != 1500*time.Millisecond {
		t.Errorf("%s %+v", servers(c), c)
	}
}

// TestTwoWaysToRedis: of REDIS_URL and CHANNEL_LAYERS the one from the higher
// source wins, and at the same height the long form.
func TestTwoWaysToRedis(t *testing.T) {
	t.Parallel()
	environ := []string{"REDIS_URL=redis://short:1", "CHANNEL_LAYERS=" + layers(`{"hosts": ["redis://long:2"]}`)}
	if c := must(t, environ); c.Layer.Hosts[0].Redis.Addr != "long:2" {
		t.Errorf("the short form won: %s", c.Layer.Hosts[0].Redis.Addr)
	}
	if c := must(t, environ, "--redis-url=redis://flag:3"); c.Layer.Hosts[0].Redis.Addr != "flag:3" {
		t.Errorf("the flag did not win: %s", c.Layer.Hosts[0].Redis.Addr)
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	file := write(t, "c.yaml", "mqtt_allow_subscribe: [a/#, $SYS/#]\n")
	c := must(t, []string{"MQTT_STATUS_GROUP=state", "MQTT_ALLOW_PUBLISH=a/+ , b"}, "--config="+file)
	if c.StatusGroup != "state" || strings.Join(c.AllowSubscribe, " ") != "a/# $SYS/#" || strings.Join(c.AllowPublish, " ") != "a/+ b" {
		t.Errorf("%q %q %q", c.StatusGroup, c.AllowSubscribe, c.AllowPublish)
	}
}

func TestForeignVariablesAreNamed(t *testing.T) {
	t.Parallel()
	c := must(t, []string{"MQTT_TOPIC_ROOT=x", "PATH=/bin", "MQTT_BRIDGE=x", "MQTT_HOST=a", "MQTT_HOST2=b"})
	if got := strings.Join(c.Ignored, " "); got != "MQTT_BRIDGE MQTT_HOST2 MQTT_TOPIC_ROOT" {
		t.Errorf("ignored: %s", got)
	}
}

// TestAllFaultsAtOnce breaks something in each source and wants all of it
// named, with its place, in one error.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	file := write(t, "c.yaml", "mqtt_hots: x\nmqtt_qos_will: 3\nmqtt_user: 0123\nmqtt_will_qos: 3\n")
	_, err := load(t, []string{"MQTT_PORT=99999", "MQTT_PASWORD=x", "CHANNEL_LAYERS={}"}, "--config="+file, "--mqtt-keepalive=soon")
	var faults config.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v", err)
	}
	want := []string{
		"mqtt_hots (" + file + "): no such setting; did you mean mqtt_host?",
		"mqtt_qos_will (" + file + "): no such setting",
		"MQTT_PASWORD (environment): no such setting: ignored; did you mean MQTT_PASSWORD?",
		"mqtt_user (" + file + "): not a text: write the value in quotes",
		`MQTT_PORT (environment): "99999" is not a whole number from 1 to 65535`,
		"--mqtt-keepalive (flag): \"soon\" is not a length of time: give seconds (30), or 500ms, 30s, 5m, 1h",
		"mqtt_will_qos (" + file + "): \"3\" is not a whole number from 0 to 2",
		`CHANNEL_LAYERS (environment): it has no layer called "default"`,
	}
	for _, line := range want {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("missing: %s", line)
		}
	}
	// The will's QoS without a topic is one more.
	if len(faults) != len(want)+1 {
		t.Errorf("%d faults, want %d:\n%v", len(faults), len(want)+1, err)
	}
}
