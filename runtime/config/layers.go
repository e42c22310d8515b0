package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

const (
	coreBackend   = "channels_redis.core.RedisChannelLayer"
	pubsubBackend = "channels_redis.pubsub.RedisPubSubChannelLayer"
	defaultRedis  = "redis://localhost:6379"
)

// UsesChannelLayers says which of the two settings the layer is made from:
// CHANNEL_LAYERS, or else REDIS_URL. The one from the higher source counts, and
// CHANNEL_LAYERS where both are from one. That of Django's settings is the layer which
// the site uses: it also wins over a REDIS_URL of the environment or a credential, which
// is often there for a cache.
func (c *Config) UsesChannelLayers() bool {
	layers, url := c.Source("CHANNEL_LAYERS"), c.Source("REDIS_URL")
	return layers != Default && (layers >= url || layers == Settings && url < Flag)
}

// defaultLayer has the defaults of channels_redis, but no host.
func defaultLayer() Layer {
	return Layer{
		Prefix: "asgi", Expiry: time.Minute, GroupExpiry: 24 * time.Hour, Capacity: 100,
		Serializer: "msgpack", RandomPrefix: 12,
	}
}

// parseChannelLayers reads Django's setting: the layer called default. Its
// errors show keys and no values but the back end.
func parseChannelLayers(text string) (Layer, error) {
	var aliases map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &aliases); err != nil {
		if shown, ok := fromPython(text); ok {
			return Layer{}, errors.New("this is Python's notation; write it as JSON: " + shown)
		}
		return Layer{}, notJSON(err)
	}
	alias, ok := aliases["default"]
	if !ok {
		return Layer{}, errors.New(`it has no layer called "default"`)
	}
	var parts map[string]json.RawMessage
	if json.Unmarshal(alias, &parts) != nil {
		return Layer{}, errors.New(`default: not an object with BACKEND and CONFIG`)
	}
	r := &layerReader{layer: defaultLayer()}
	r.entries("default", parts, layerKeys)
	r.finish()
	return r.layer, errors.Join(r.errs...)
}

func notJSON(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("not JSON, from byte %d on: give {\"default\": {\"BACKEND\": …, \"CONFIG\": {…}}}", syntax.Offset)
	}
	return errors.New(`not a JSON object: give {"default": {"BACKEND": …, "CONFIG": {…}}}`)
}

// layerReader reads one layer of the setting.
type layerReader struct {
	layer Layer
	// named tells that BACKEND was there.
	named bool
	errs  []error
}

func (r *layerReader) fail(path, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(path+": "+format, args...))
}

// keys says how each key of an object is read.
type keys map[string]func(r *layerReader, path string, value json.RawMessage)

// entries reads the keys of an object; those with null are as if not there.
func (r *layerReader) entries(path string, object map[string]json.RawMessage, known keys) {
	for _, key := range sortedKeys(object) {
		read, ok := known[key]
		switch {
		case !ok:
			r.fail(path+"."+key, "no such key%s", didYouMean(key, sortedKeys(known)))
		case string(object[key]) != "null":
			read(r, path+"."+key, object[key])
		}
	}
}

// layerKeys are those of one layer.
var layerKeys = keys{"BACKEND": backend, "CONFIG": config, "TEST_CONFIG": ignored}

// configKeys are those of both back ends of channels_redis 4.3. The pub/sub back
// end takes those that are only for the other, and makes nothing of them.
var configKeys = keys{
	"hosts":        hosts,
	"prefix":       prefix,
	"expiry":       expiry,
	"group_expiry": groupExpiry,
	"capacity":     capacity,

	"channel_capacity":          channelCapacity,
	"symmetric_encryption_keys": encryptionKeys,
	"serializer_format":         serializer,
	"random_prefix_length":      randomPrefix,

	"on_disconnect": ignored,
	"on_reconnect":  ignored,
}

func backend(r *layerReader, path string, v json.RawMessage) {
	var name string
	r.named = true
	r.read(path, v, &name, "text")
	switch name {
	case coreBackend, "":
	case pubsubBackend:
		r.layer.PubSub = true
	default:
		r.fail(path, "%q is not supported: use %s or %s, here and in the site", name, coreBackend, pubsubBackend)
	}
}

func config(r *layerReader, path string, v json.RawMessage) {
	var object map[string]json.RawMessage
	r.read(path, v, &object, "an object")
	r.entries(path, object, configKeys)
}

func ignored(*layerReader, string, json.RawMessage) {}

// hosts reads all servers, in their order: what is stored where depends on it.
func hosts(r *layerReader, path string, v json.RawMessage) {
	var list []json.RawMessage
	r.read(path, v, &list, "a list of hosts, even where it is one")
	for i, host := range list {
		r.layer.Hosts = append(r.layer.Hosts, r.host(fmt.Sprintf("%s[%d]", path, i), host))
	}
}

func prefix(r *layerReader, path string, v json.RawMessage) {
	r.read(path, v, &r.layer.Prefix, "text")
}

func expiry(r *layerReader, path string, v json.RawMessage) { r.seconds(path, v, &r.layer.Expiry) }

func groupExpiry(r *layerReader, path string, v json.RawMessage) {
	r.seconds(path, v, &r.layer.GroupExpiry)
}

func capacity(r *layerReader, path string, v json.RawMessage) { r.count(path, v, &r.layer.Capacity) }

// read decodes a value; what says what it should have been.
func (r *layerReader) read(path string, v json.RawMessage, into any, what string) {
	if json.Unmarshal(v, into) != nil {
		r.fail(path, "not %s", what)
	}
}

// count reads a whole number above 0: channels_redis fails on any other.
func (r *layerReader) count(path string, v json.RawMessage, into *int) {
	n, err := strconv.Atoi(string(v))
	if err != nil || n < 1 || n > math.MaxInt32 {
		r.fail(path, "not a whole number above 0")
		return
	}
	*into = n
}

func (r *layerReader) seconds(path string, v json.RawMessage, into *time.Duration) {
	n := int(*into / time.Second)
	r.count(path, v, &n)
	*into = time.Duration(n) * time.Second
}

// finish says what is missing. No hosts are one: that of channels_redis.
func (r *layerReader) finish() {
	if !r.named {
		r.fail("default.BACKEND", "it is missing: give %s or %s", coreBackend, pubsubBackend)
	}
	if len(r.layer.Hosts) > 0 || len(r.errs) > 0 {
		return
	}
	options, err := parseRedis(defaultRedis)
	if err != nil {
		panic(err) // a constant
	}
	r.layer.Hosts = []Host{{Redis: options}}
}
