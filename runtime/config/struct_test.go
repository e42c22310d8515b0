package config_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"chanmqttproxy/runtime/config"
)

// others is for each setting a value that is not the default, and what it needs beside.
func others(t *testing.T) map[string][]string {
	certPEM, keyPEM := certificate(t, 1)
	cert, key := write(t, "cert.pem", string(certPEM)), write(t, "key.pem", string(keyPEM))
	return map[string][]string{
		"MQTT_HOST": {"b"}, "MQTT_PORT": {"1"}, "MQTT_USER": {"u"}, "MQTT_PASSWORD": {"p", "MQTT_USER=u"},
		"MQTT_VERSION": {"311"}, "MQTT_CHANNEL_NAME": {"c"}, "MQTT_CLIENT_ID": {"i"}, "MQTT_KEEPALIVE": {"1"},
		"MQTT_SESSION_EXPIRY": {"1"}, "MQTT_RECEIVE_MAXIMUM": {"1"}, "MQTT_SUBSCRIBE_BATCH": {"1"}, "MQTT_CONNECT_TIMEOUT": {"1s"}, "MQTT_RECONNECT_MAX": {"1s"}, "MQTT_TLS_CA": {cert},
		"MQTT_MAX_PACKET": {"1024"}, "MQTT_MAX_USER_PROPERTIES": {"1"}, "MQTT_MAX_USER_PROPERTY_BYTES": {"1"},
		"MQTT_TLS_CERT": {cert, "MQTT_TLS_KEY=" + key}, "MQTT_TLS_KEY": {key, "MQTT_TLS_CERT=" + cert}, "MQTT_TLS_INSECURE": {"1"},
		"MQTT_WILL_TOPIC": {"t"}, "MQTT_WILL_PAYLOAD": {"p", "MQTT_WILL_TOPIC=t"}, "MQTT_WILL_QOS": {"1", "MQTT_WILL_TOPIC=t"}, "MQTT_WILL_RETAIN": {"1", "MQTT_WILL_TOPIC=t"},
		"MQTT_BIRTH_TOPIC": {"t"}, "MQTT_BIRTH_PAYLOAD": {"p", "MQTT_BIRTH_TOPIC=t"}, "MQTT_BIRTH_QOS": {"1", "MQTT_BIRTH_TOPIC=t"}, "MQTT_BIRTH_RETAIN": {"1", "MQTT_BIRTH_TOPIC=t"},
		"MQTT_SESSIONS": {"2"}, "SESSION_LEASE": {"7"}, "MQTT_STATUS_GROUP": {"g"}, "MQTT_ALLOW_SUBSCRIBE": {"a"}, "MQTT_ALLOW_PUBLISH": {"a"},
		"CHANNEL_LAYERS": {`{"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"prefix": "p"}}}`}, "REDIS_URL": {"redis://b"},
		"MQTT_MAX_SUBSCRIPTIONS": {"1"}, "SUBSCRIPTION_IDLE": {"1"}, "COMMAND_WINDOW": {"1"}, "COMMAND_MEMORY": {"1"}, "COMMAND_MAX_ELEMENTS": {"100"}, "GROUP_BACKLOG": {"1"}, "QUEUE_BACKLOG": {"1"}, "BACKLOG_MEMORY": {"1"}, "DEAD_LETTERS": {"1"}, "DEAD_LETTER_BYTES": {"1"}, "DEAD_LETTER_TOTAL_BYTES": {"1000"}, "DEAD_LETTER_AGE": {"1"},
		"MQTT_STREAM_PARTITIONS": {"1"}, "MQTT_STREAM_MAX_MESSAGES": {"1"}, "MQTT_STREAM_MAX_BYTES": {"1000"},
		"HTTP_LISTEN": {"127.0.0.1:1"}, "HTTP_TOKEN": {"0123456789abcdef"}, "HTTP_ACT": {"1"}, "HTTP_SHOW_PAYLOADS": {"1"}, "METRICS_FILTERS": {"f"}, "HTTP_PPROF": {"1"},
		"LOG_LEVEL": {"warn,mqtt=debug"}, "LOG_FORMAT": {"text"}, "LOG_MEMORY": {"4096"}, "SHUTDOWN_TIMEOUT": {"1"},
	}
}

// leaves are the exported fields of a value that hold no others, in words, by their paths.
// What belongs to other packages is one leaf.
func leaves(path string, v reflect.Value, into map[string]string) {
	switch u, isURL := v.Interface().(*url.URL); {
	case isURL && u != nil:
		into[path] = u.String()
	case v.Kind() == reflect.Struct && strings.HasSuffix(v.Type().PkgPath(), "runtime/config"):
		for _, f := range reflect.VisibleFields(v.Type()) {
			if f.IsExported() && len(f.Index) == 1 {
				leaves(strings.TrimPrefix(path+"."+f.Name, "."), v.FieldByIndex(f.Index), into)
			}
		}
	case v.Kind() == reflect.Slice:
		into[path] = fmt.Sprint(v.Len())
		for i := range v.Len() {
			part := map[string]string{}
			leaves("", v.Index(i), part)
			into[path] += fmt.Sprint(part)
		}
	case v.Kind() == reflect.Func:
		into[path] = fmt.Sprint(!v.IsNil())
	case v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Type().Name() == "Config": // of TLS
		c := v.Elem()
		into[path] = fmt.Sprint(c.FieldByName("InsecureSkipVerify"), !c.FieldByName("GetClientCertificate").IsNil())
	case v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Type().Name() == "Options": // of Redis
		into[path] = fmt.Sprint(v.Elem().FieldByName("Addr"))
	case v.Kind() == reflect.Pointer && !v.IsNil():
		into[path] = fmt.Sprintf("%+v", v.Elem())
	default:
		into[path] = fmt.Sprintf("%+v", v)
	}
}

func leavesOf(c *config.Config) map[string]string {
	all := map[string]string{}
	leaves("", reflect.ValueOf(*c), all)
	return all
}

// TestSettingsMakeTheStruct: each setting that there is, in the schema too, changes the
// struct, and nothing in it has no setting.
func TestSettingsMakeTheStruct(t *testing.T) {
	t.Parallel()
	values, defaults := others(t), leavesOf(must(t, nil))
	var known []string
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, strings.ReplaceAll(f.Name, "-", "_")) })

	untouched := maps.Clone(defaults)
	for _, key := range known {
		env := strings.ToUpper(key)
		secret, isTwin := strings.CutSuffix(env, "_FILE")
		value := values[env]
		if isTwin {
			value = values[secret]
			value = append([]string{write(t, "secret", value[0])}, value[1:]...)
		}
		if key == "config" {
			continue
		}
		if value == nil {
			t.Errorf("no other value is known for %s", env)
			continue
		}
		with, without := leavesOf(must(t, append(slices.Clone(value[1:]), env+"="+value[0]))), defaults
		if !strings.HasPrefix(env, "MQTT_TLS_") { // where a key and its certificate go together
			without = leavesOf(must(t, value[1:]))
		}
		if maps.Equal(without, with) {
			t.Errorf("%s changes nothing", env)
		}
		maps.DeleteFunc(untouched, func(path, was string) bool { return with[path] != was })
	}
	for path := range untouched {
		// These are the file's, the environment's, warnings, and OpenTelemetry's.
		if !slices.Contains([]string{"Subscriptions", "Ignored", "Warnings", "Tracing"}, path) && !strings.HasPrefix(path, "Layer.") {
			t.Errorf("no setting sets %s", path)
		}
	}
	inSchema(t, append(known, "subscriptions"))
}

// inSchema checks that the schema has these keys and no others; the one of the file
// itself is none.
func inSchema(t *testing.T, keys []string) {
	t.Helper()
	var document struct{ Properties map[string]any }
	if err := json.Unmarshal([]byte(config.Schema()), &document); err != nil {
		t.Fatal(err)
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return key == "config" })
	slices.Sort(keys)
	if got := slices.Sorted(maps.Keys(document.Properties)); !slices.Equal(got, keys) {
		t.Errorf("the schema has\n%q, want\n%q", got, keys)
	}
}
