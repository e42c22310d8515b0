package config_test

import (
	"regexp"
	"strings"
	"testing"
)

// layers is CHANNEL_LAYERS with the core back end and the given CONFIG.
func layers(config string) string {
	return `{"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": ` + config + `}}`
}

// TestBadValues: each of these environments has exactly one fault, which says
// what is expected.
func TestBadValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ environ, want string }{
		{"MQTT_HOST=,a", "a broker is missing"},
		{"MQTT_HOST=http://a", `"http://a" has an unknown scheme: give mqtt, mqtts, ws or wss`},
		{"MQTT_HOST=mqtt://a/path", "only ws and wss have a path"},
		{"MQTT_HOST=mqtt://", "has no valid host"},
		{"MQTT_HOST=a b", "is not host, host:port or a URL"},
		{"MQTT_HOST=bücher", "give a name in ASCII"},
		{"MQTT_HOST=a:0", `the port in "a:0"`},
		{"MQTT_HOST=a:99999", `the port in "a:99999"`},
		{"MQTT_PORT=none", "MQTT_PORT (environment)"},
		{"MQTT_PASSWORD=x", "set MQTT_USER too"},
		{"MQTT_USER=a\x00b", "U+0000"},
		{"MQTT_VERSION=4", "give 50 or 311"},
		{"MQTT_CHANNEL_NAME=a b", "MQTT_CHANNEL_NAME (environment)"},
		{"MQTT_CHANNEL_NAME=a!b", "the channel of a consumer"},
		{"MQTT_CLIENT_ID=\xff", "valid UTF-8"},
		{"MQTT_KEEPALIVE=0", "from 1 to 65535"},
		{"MQTT_KEEPALIVE=1500ms", "not a whole number of seconds"},
		{"MQTT_SESSION_EXPIRY=-1s", "from 0 to 4294967295"},
		{"MQTT_RECEIVE_MAXIMUM=0", "from 1 to 65535"},
		{"MQTT_CONNECT_TIMEOUT=0", "not between 100ms and 1h"},
		{"MQTT_RECONNECT_MAX=2h", "not between 100ms and 1h"},
		{"MQTT_SUBSCRIBE_BATCH=0", "from 1 to 10000"},
		{"MQTT_TLS_CA=/nowhere/ca.pem MQTT_HOST=mqtts://a", "reading the authorities"},
		{"MQTT_TLS_INSECURE=1 MQTT_HOST=mqtt://a", "write mqtts:// or wss://"},
		{"MQTT_TLS_INSECURE=maybe", "neither true nor false"},
		{"MQTT_TLS_CERT=/nowhere/a.pem", "set MQTT_TLS_KEY too"},
		{"MQTT_TLS_KEY=/nowhere/a.key", "set MQTT_TLS_CERT too"},
		{"MQTT_TLS_CERT=/nowhere/a.pem MQTT_TLS_KEY=/nowhere/a.key", "reading the certificate"},
		{"MQTT_SESSIONS=0", "from 1 to 256"},
		{"MQTT_SESSIONS=257", "from 1 to 256"},
		{`MQTT_SESSIONS=2 CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}}`, "the pub/sub back end stores no commands"},
		{"SESSION_LEASE=499ms", "not between 500ms and 1m"},
		{"SESSION_LEASE=61s", "not between 500ms and 1m"},
		{"MQTT_STATUS_GROUP=a b", "MQTT_STATUS_GROUP (environment)"},
		{"MQTT_ALLOW_SUBSCRIBE=a/#/b", `the filter "a/#/b": `},
		{"MQTT_ALLOW_PUBLISH=a,,b", `the filter "": `},
		{"MQTT_ALLOW_PUBLISH=$share/a/b", "without $share"},
		{"MQTT_WILL_TOPIC=a/#", "wildcard"},
		{"MQTT_WILL_PAYLOAD=x", "set MQTT_WILL_TOPIC too"},
		{"MQTT_BIRTH_QOS=1", "set MQTT_BIRTH_TOPIC too"},
		{"LOG_LEVEL=loud", "debug, info, warn or error"},
		{"LOG_FORMAT=xml", "text or json"},
		{"SHUTDOWN_TIMEOUT=0", "more than 0"},
		{"SHUTDOWN_TIMEOUT=1.2.3", "not a length of time"},
		{"REDIS_URL=localhost:6379", "give redis://"},
		{"REDIS_URL=redis://a/b", "database"},
		{"REDIS_URL_FILE=/nowhere/url", "REDIS_URL_FILE (environment): reading the secret"},
		{"REDIS_URL_FILE=/nowhere/url REDIS_URL=redis://a", "REDIS_URL is set too"},
		{"MQTT_PASSWORD=x MQTT_USERNAME=u", "warning: MQTT_USERNAME (environment): no such setting: ignored; did you mean MQTT_USER?"},
	} {
		_, err := load(t, separate(c.environ))
		if err == nil || !strings.HasPrefix(err.Error(), "1 fault in the configuration:\n") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: want one fault with %q, got %v", c.environ, c.want, err)
		}
	}
}

var next = regexp.MustCompile(` ([A-Z_]+=)`)

// separate makes an environment of NAME=value NAME=value.
func separate(written string) []string {
	return strings.Split(next.ReplaceAllString(written, "\n$1"), "\n")
}
