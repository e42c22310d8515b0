package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/runtime/config"
)

func TestLayers(t *testing.T) {
	t.Parallel()
	for settings, addr := range map[string]string{
		`{}`:                       "localhost:6379",
		`null`:                     "localhost:6379",
		`{"hosts": ["redis://a"]}`: "a:6379",
		`{"hosts": [["a", 1]]}`:    "a:1",
		`{"hosts": [["::1", 1]]}`:  "[::1]:1",
		`{"hosts": [{"address": "rediss://:p@a:2/3"}]}`:                                                  "a:2",
		`{"hosts": ["unix:///run/redis.sock"]}`:                                                          "/run/redis.sock",
		`{"channel_capacity": {}, "symmetric_encryption_keys": null}`:                                    "localhost:6379",
		`{"symmetric_encryption_keys": [ ], "serializer_format": "msgpack", "random_prefix_length": 12}`: "localhost:6379",
	} {
		c := must(t, []string{"CHANNEL_LAYERS=" + layers(settings)})
		if c.Layer.Hosts[0].Redis.Addr != addr {
			t.Errorf("%s: %s, want %s", settings, c.Layer.Hosts[0].Redis.Addr, addr)
		}
	}
}

func TestLayerValues(t *testing.T) {
	t.Parallel()
	l := must(t, []string{"CHANNEL_LAYERS=" + layers(`{"hosts": ["redis://:secret@a/3"], "prefix": "site", "expiry": 5, "group_expiry": 50, "capacity": 10}`)}).Layer
	if l.Hosts[0].Redis.Password != "secret" || l.Hosts[0].Redis.DB != 3 || l.Prefix != "site" ||
		l.Expiry != 5*time.Second || l.GroupExpiry != 50*time.Second || l.Capacity != 10 {
		t.Errorf("%+v", l)
	}
	if l.Hosts[0].Redis.TLSConfig != nil {
		t.Error("redis:// came with TLS")
	}
}

// TestLayerOptions: every key of both back ends, in the order in which patterns
// were written.
func TestLayerOptions(t *testing.T) {
	t.Parallel()
	const options = `{"channel_capacity": {"z*": 1, "a": 2, "m": 3, "z*": 9}, "symmetric_encryption_keys": ["new", "old"],
		"serializer_format": "json", "random_prefix_length": 0, "on_disconnect": null}`
	l := must(t, []string{"CHANNEL_LAYERS=" + layers(options)}).Layer
	if want := []config.Capacity{{Pattern: "z*", Capacity: 9}, {Pattern: "a", Capacity: 2}, {Pattern: "m", Capacity: 3}}; !slices.Equal(l.Capacities, want) {
		t.Errorf("%v, want %v", l.Capacities, want)
	}
	if l.Serializer != "json" || l.RandomPrefix != 0 || !slices.Equal(l.EncryptionKeys, []string{"new", "old"}) || l.PubSub {
		t.Errorf("%+v", l)
	}
	l = must(t, []string{`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"capacity": 5}}}`}).Layer
	if !l.PubSub || l.Serializer != "msgpack" || l.RandomPrefix != 12 {
		t.Errorf("%+v", l)
	}
}

// TestPatternsOfFiles: a table does not keep the order of patterns.
func TestPatternsOfFiles(t *testing.T) {
	t.Parallel()
	const file = "channel_layers:\n  default:\n    BACKEND: channels_redis.core.RedisChannelLayer\n    CONFIG:\n      channel_capacity: "
	for patterns, want := range map[string]int{`{a: 1}`: 1, `[[b, 1], [a, 2]]`: 2} {
		c := must(t, nil, "--config="+write(t, "a.yaml", file+patterns))
		if len(c.Layer.Capacities) != want {
			t.Errorf("%s: %v", patterns, c.Layer.Capacities)
		}
	}
	_, err := load(t, nil, "--config="+write(t, "a.yaml", file+`{b: 1, a: 2}`))
	if err == nil || !strings.Contains(err.Error(), "the order of the patterns counts") {
		t.Errorf("a table was taken: %v", err)
	}
}

func TestBadLayers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ layers, want string }{
		{`{`, "not JSON, from byte 1 on"},
		{`[]`, "not a JSON object"},
		{`{"other": {}}`, `no layer called "default"`},
		{`{"default": 1}`, "default: not an object"},
		{`{"default": {}}`, "default.BACKEND: it is missing"},
		{`{"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}`, "not supported: use channels_redis.core.RedisChannelLayer or channels_redis.pubsub.RedisPubSubChannelLayer"},
		{`{"default": {"BACKEND": 1}}`, "default.BACKEND: not text"},
		{`{"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONIFG": {}}}`, "default.CONIFG: no such key; did you mean CONFIG?"},
		{layers(`[]`), "default.CONFIG: not an object"},
		{layers(`{"hosts": "redis://a"}`), "default.CONFIG.hosts: not a list of hosts"},
		{layers(`{"hosts": [7]}`), "default.CONFIG.hosts[0]: not a host"},
		{layers(`{"hosts": [["redis://a"], ["a", "b"]]}`), "default.CONFIG.hosts[0]: not [host, port]"},
		{layers(`{"hosts": ["http://a"]}`), "default.CONFIG.hosts[0]: address: not the URL of a Redis server"},
		{layers(`{"prefix": 1}`), "default.CONFIG.prefix: not text"},
		{layers(`{"expiry": 1.5}`), "default.CONFIG.expiry: not a whole number above 0"},
		{layers(`{"capacity": 0}`), "default.CONFIG.capacity: not a whole number above 0"},
		{layers(`{"capactiy": 9}`), "default.CONFIG.capactiy: no such key; did you mean capacity?"},
		{layers(`{"channel_capacity": {"a": "1"}}`), `default.CONFIG.channel_capacity of "a": not a whole number`},
		{layers(`{"channel_capacity": [["a"]]}`), "default.CONFIG.channel_capacity: not {pattern: capacity}"},
		{layers(`{"channel_capacity": 7}`), "default.CONFIG.channel_capacity: not {pattern: capacity}"},
		{layers(`{"symmetric_encryption_keys": "hunter2"}`), "default.CONFIG.symmetric_encryption_keys: not a list of keys"},
		{layers(`{"symmetric_encryption_keys": [""]}`), "default.CONFIG.symmetric_encryption_keys: a key is empty"},
		{layers(`{"serializer_format": "mine"}`), "default.CONFIG.serializer_format: the worker can't use a serializer of the site's own"},
		{layers(`{"random_prefix_length": -1}`), "default.CONFIG.random_prefix_length: not a whole number"},
	} {
		_, err := load(t, []string{"CHANNEL_LAYERS=" + c.layers})
		if err == nil || !strings.Contains(err.Error(), "CHANNEL_LAYERS (environment): ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.layers, c.want, err)
		}
	}
}

// FuzzLayers: what is taken is complete.
func FuzzLayers(f *testing.F) {
	for _, seed := range []string{`{}`, layers(`{}`), layers(`{"hosts": [["a", 1]]}`), layers(`{"hosts": [{"address": "redis://:p@a"}], "expiry": 5}`),
		layers(`{"hosts": [{"sentinels": [["a", 1]], "master_name": "m", "sentinel_kwargs": {"ssl": true}, "db": 1}]}`),
		layers(`{"hosts": [{"host": "a", "port": "1", "ssl": 1, "ssl_cert_reqs": null}, "rediss://a?ssl_check_hostname=no"]}`),
		layers(`{"channel_capacity": {"a*": 1, "b": 2}, "symmetric_encryption_keys": ["k"], "serializer_format": "json"}`),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, layers string) {
		if layers == "" {
			return
		}
		c, err := config.Load(config.Input{Environ: []string{"CHANNEL_LAYERS=" + layers}})
		if err != nil {
			return
		}
		l := c.Layer
		for _, h := range l.Hosts {
			if h.Redis == nil || (h.Redis.Addr == "") != (len(h.Sentinels) > 0) {
				t.Fatalf("%s gives %+v", layers, h)
			}
		}
		if len(l.Hosts) == 0 || l.Expiry < time.Second || l.GroupExpiry < time.Second || l.Capacity < 1 {
			t.Fatalf("%s gives %+v", layers, l)
		}
	})
}
