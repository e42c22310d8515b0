package config_test

import (
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
		if c.Layer.Redis.Addr != addr {
			t.Errorf("%s: %s, want %s", settings, c.Layer.Redis.Addr, addr)
		}
	}
}

func TestLayerValues(t *testing.T) {
	t.Parallel()
	l := must(t, []string{"CHANNEL_LAYERS=" + layers(`{"hosts": ["redis://:secret@a/3"], "prefix": "site", "expiry": 5, "group_expiry": 50, "capacity": 10}`)}).Layer
	if l.Redis.Password != "secret" || l.Redis.DB != 3 || l.Prefix != "site" ||
		l.Expiry != 5*time.Second || l.GroupExpiry != 50*time.Second || l.Capacity != 10 {
		t.Errorf("%+v", l)
	}
	if l.Redis.TLSConfig != nil {
		t.Error("redis:// came with TLS")
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
		{`{"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}}`, "default.BACKEND: channels_redis.pubsub.RedisPubSubChannelLayer is not supported"},
		{`{"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}`, "not supported: use channels_redis.core.RedisChannelLayer"},
		{`{"default": {"BACKEND": 1}}`, "default.BACKEND: not text"},
		{`{"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONIFG": {}}}`, "default.CONIFG: no such key; did you mean CONFIG?"},
		{layers(`[]`), "default.CONFIG: not an object"},
		{layers(`{"hosts": "redis://a"}`), "default.CONFIG.hosts: not a list with one host"},
		{layers(`{"hosts": []}`), "default.CONFIG.hosts: 0 hosts"},
		{layers(`{"hosts": ["redis://a", "redis://b"]}`), "default.CONFIG.hosts: 2 hosts"},
		{layers(`{"hosts": [7]}`), "default.CONFIG.hosts: not a host"},
		{layers(`{"hosts": [["a", "b"]]}`), "not [host, port]"},
		{layers(`{"hosts": [{"address": "redis://a", "db": 1}]}`), "default.CONFIG.hosts: db: not supported"},
		{layers(`{"hosts": [{"master_name": "m", "sentinels": []}]}`), "master_name, sentinels: not supported"},
		{layers(`{"hosts": ["http://a"]}`), "default.CONFIG.hosts: not the URL of a Redis server"},
		{layers(`{"prefix": 1}`), "default.CONFIG.prefix: not text"},
		{layers(`{"expiry": 1.5}`), "default.CONFIG.expiry: not a whole number above 0"},
		{layers(`{"capacity": 0}`), "default.CONFIG.capacity: not a whole number above 0"},
		{layers(`{"capactiy": 9}`), "default.CONFIG.capactiy: no such key; did you mean capacity?"},
		{layers(`{"channel_capacity": {"a": 1}}`), "default.CONFIG.channel_capacity: not supported"},
		{layers(`{"symmetric_encryption_keys": ["hunter2"]}`), "default.CONFIG.symmetric_encryption_keys: not supported"},
		{layers(`{"serializer_format": "json"}`), "default.CONFIG.serializer_format: not supported"},
	} {
		_, err := load(t, []string{"CHANNEL_LAYERS=" + c.layers})
		if err == nil || !strings.Contains(err.Error(), "CHANNEL_LAYERS (environment): ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.layers, c.want, err)
		}
	}
}

// FuzzLayers: what is taken is complete.
func FuzzLayers(f *testing.F) {
	for _, seed := range []string{`{}`, layers(`{}`), layers(`{"hosts": [["a", 1]]}`), layers(`{"hosts": [{"address": "redis://:p@a"}], "expiry": 5}`)} {
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
		if l := c.Layer; l.Redis == nil || l.Expiry < time.Second || l.GroupExpiry < time.Second || l.Capacity < 1 {
			t.Fatalf("%s gives %+v", layers, l)
		}
	})
}
