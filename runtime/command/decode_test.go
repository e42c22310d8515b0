package command_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/command"
)

// dict makes a Map of keys and values in turn.
func dict(keysAndValues ...any) messages.Map {
	var m messages.Map
	for i := 0; i < len(keysAndValues); i += 2 {
		m = append(m, messages.Pair{Key: keysAndValues[i].(string), Value: keysAndValues[i+1]})
	}
	return m
}

func subscribe(more ...any) messages.Map {
	return append(dict("type", "mqtt.subscribe", "topic", "a/+", "group", "g"), dict(more...)...)
}

// streaming subscribes a stream.
func streaming(more ...any) messages.Map {
	return append(dict("type", "mqtt.subscribe", "topic", "a/+", "stream", "s"), dict(more...)...)
}

func streamed(o messages.Options) messages.Command {
	return messages.SubscribeCommand{Filter: "a/+", Targets: []messages.Target{stream}, Options: o}
}

func publish(keysAndValues ...any) messages.Map {
	return dict("type", "mqtt.publish", "publish", dict(keysAndValues...))
}

// asking is a request with more keys in its message.
func asking(more ...any) messages.Map {
	return dict("type", "mqtt.request", "reply_channel", "w", "publish", append(dict("topic", "a"), dict(more...)...))
}

func request(more ...any) messages.Map { return append(asking(), dict(more...)...) }

func requested(timeout time.Duration) messages.Command {
	return messages.RequestCommand{
		Message: &messages.Message{Topic: "a", QoS: 2, DefaultQoS: true, Retain: true},
		Timeout: timeout, ReplyTo: messages.ReplyTo{Channel: "w"},
	}
}

func ptr[T any](v T) *T { return &v }

const consumer = "specific.0123456789abcdef0123456789abcdef!0123456789abcdef0123456789abcdef"

var (
	group   = messages.Target{Kind: messages.Group, Name: "g"}
	channel = messages.Target{Kind: messages.Channel, Name: consumer}
	stream  = messages.Target{Kind: messages.Stream, Name: "s"}
)

func subscribed(o messages.Options) messages.Command {
	return messages.SubscribeCommand{Filter: "a/+", Targets: []messages.Target{group}, Options: o}
}

func published(m messages.Message) messages.Command {
	return messages.PublishCommand{Message: &m}
}

func properties(p messages.Properties) messages.Command {
	return published(messages.Message{Topic: "a", QoS: 2, DefaultQoS: true, Retain: true, Properties: &p})
}

func TestDecode(t *testing.T) {
	t.Parallel()
	plain := subscribed(messages.Options{})
	for name, test := range map[string]struct {
		body messages.Map
		want messages.Command
	}{
		"subscribe":            {subscribe(), plain},
		"subscribe underscore": {dict("type", "mqtt_subscribe", "topic", "a/+", "group", "g"), plain},
		"qos":                  {subscribe("qos", int64(2)), subscribed(messages.Options{QoS: 2})},
		"no_local":             {subscribe("no_local", true), subscribed(messages.Options{NoLocal: true})},
		"stream":               {streaming("qos", int64(1)), streamed(messages.Options{QoS: 1})},
		"stream that drops":    {streaming("overflow", "drop", "payload", "bytes"), streamed(messages.Options{Overflow: messages.OverflowDrop, Payload: messages.PayloadBytes})},
		"unsubscribe a stream": {dict("type", "mqtt.unsubscribe", "topic", "a/+", "stream", "s"), messages.UnsubscribeCommand{Filter: "a/+", Targets: []messages.Target{stream}}},
		"payload auto":         {subscribe("payload", "auto"), plain},
		"payload json":         {subscribe("payload", "json"), subscribed(messages.Options{Payload: messages.PayloadJSON})},
		"payload text":         {subscribe("payload", "text"), subscribed(messages.Options{Payload: messages.PayloadText})},
		"payload bytes":        {subscribe("payload", "bytes"), subscribed(messages.Options{Payload: messages.PayloadBytes})},
		"overflow drop":        {subscribe("overflow", "drop"), subscribed(messages.Options{Overflow: messages.OverflowDrop})},
		"overflow latest":      {subscribe("overflow", "latest"), subscribed(messages.Options{Overflow: messages.OverflowLatest})},
		"batch":                {subscribe("batch", int64(50)), subscribed(messages.Options{Batch: 50})},
		"defaults spelled out": {subscribe("qos", int64(0), "no_local", false, "retained", "drop", "payload", "auto",
			"overflow", "wait", "batch", int64(1), "min_interval", int64(0), "shared", false), plain},
		"min_interval as a float": {subscribe("min_interval", 0.0), plain},
		"channel": {dict("type", "mqtt.subscribe", "topic", "+/#", "channel", consumer),
			messages.SubscribeCommand{Filter: "+/#", Targets: []messages.Target{channel}}},
		"group and channel": {subscribe("channel", consumer),
			messages.SubscribeCommand{Filter: "a/+", Targets: []messages.Target{group, channel}}},
		"reply": {subscribe("reply_channel", consumer, "id", "any\x00thing"),
			messages.SubscribeCommand{Filter: "a/+", Targets: []messages.Target{group},
				ReplyTo: messages.ReplyTo{Channel: consumer, ID: "any\x00thing"}}},
		"min_interval":                     {subscribe("min_interval", int64(86400)), subscribed(messages.Options{MinInterval: 24 * time.Hour})},
		"min_interval in parts of seconds": {subscribe("min_interval", 0.3), subscribed(messages.Options{MinInterval: 300 * time.Millisecond})},
		"retained for the group": {subscribe("retained", "send"),
			messages.SubscribeCommand{Filter: "a/+", Targets: []messages.Target{group}, Retained: true}},
		"retained for one of the group": {subscribe("retained", "send", "channel", consumer),
			messages.SubscribeCommand{Filter: "a/+", Targets: []messages.Target{group}, Retained: true, Recipient: consumer}},
		"retained for a channel": {dict("type", "mqtt.subscribe", "topic", "a", "channel", consumer, "retained", "send"),
			messages.SubscribeCommand{Filter: "a", Targets: []messages.Target{channel}, Retained: true, Recipient: consumer}},
		"status":                 {dict("type", "mqtt_status", "reply_channel", "w", "id", ""), messages.StatusCommand{ReplyTo: messages.ReplyTo{Channel: "w"}}},
		"request":                {request(), requested(10 * time.Second)},
		"request underscore":     {append(dict("type", "mqtt_request"), request()[1:]...), requested(10 * time.Second)},
		"request with a timeout": {request("timeout", 0.25), requested(250 * time.Millisecond)},
		"request for an hour":    {request("timeout", int64(3600)), requested(time.Hour)},
		"unsubscribe": {dict("type", "mqtt.unsubscribe", "topic", "#", "group", "g", "reply_channel", "w", "id", "7"),
			messages.UnsubscribeCommand{Filter: "#", Targets: []messages.Target{group}, ReplyTo: messages.ReplyTo{Channel: "w", ID: "7"}}},
		"unsubscribe underscore": {dict("type", "mqtt_unsubscribe", "topic", "$SYS/#", "channel", consumer),
			messages.UnsubscribeCommand{Filter: "$SYS/#", Targets: []messages.Target{channel}}},

		"publish defaults": {publish("topic", "a", "payload", "x"),
			published(messages.Message{Topic: "a", Payload: []byte("x"), QoS: 2, DefaultQoS: true, Retain: true})},
		"publish without payload": {publish("topic", "a"), published(messages.Message{Topic: "a", QoS: 2, DefaultQoS: true, Retain: true})},
		"publish qos and retain": {publish("topic", "$SYS/a", "payload", []byte{0, 255}, "qos", int64(0), "retain", false),
			published(messages.Message{Topic: "$SYS/a", Payload: []byte{0, 255}})},
		"publish reply": {append(publish("topic", "a"), dict("reply_channel", "w")...),
			messages.PublishCommand{Message: &messages.Message{Topic: "a", QoS: 2, DefaultQoS: true, Retain: true}, ReplyTo: messages.ReplyTo{Channel: "w"}}},
		"publish properties": {publish("topic", "a", "content_type", "text/plain", "response_topic", "b/c",
			"correlation_data", []byte{1}, "message_expiry", int64(math.MaxUint32), "payload_format", int64(1)),
			properties(messages.Properties{ContentType: "text/plain", ResponseTopic: "b/c", CorrelationData: []byte{1},
				MessageExpiry: ptr[uint32](math.MaxUint32), PayloadFormat: ptr[byte](1)})},
		"zeros that were set": {publish("topic", "a", "message_expiry", int64(0), "payload_format", int64(0)),
			properties(messages.Properties{MessageExpiry: ptr[uint32](0), PayloadFormat: ptr[byte](0)})},
		"empty properties": {publish("topic", "a", "user_properties", dict(), "content_type", "", "correlation_data", []byte{}),
			published(messages.Message{Topic: "a", QoS: 2, DefaultQoS: true, Retain: true})},
		"user properties as a dict": {publish("topic", "a", "user_properties", dict("k", "1", "l", []any{"2", "3"}, "m", []any{})),
			properties(messages.Properties{UserProperties: []messages.UserProperty{{Key: "k", Value: "1"}, {Key: "l", Value: "2"}, {Key: "l", Value: "3"}}})},
		"user properties as pairs": {publish("topic", "a", "user_properties", []any{[]any{"k", "1"}, []any{"", ""}, []any{"k", "2"}}),
			properties(messages.Properties{UserProperties: []messages.UserProperty{{Key: "k", Value: "1"}, {}, {Key: "k", Value: "2"}}})},
	} {
		got, err := command.Decoder{}.Decode(test.body)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, test.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 70_000)
	for _, test := range []struct {
		body   messages.Map
		code   string
		key    string
		reason string // a part of it
	}{
		{nil, command.MissingKey, "type", "missing"},
		{dict("type", nil), command.BadType, "type", "must be a str, not None"},
		{dict("type", int64(5)), command.BadType, "type", "not int 5"},
		{dict("type", []byte("mqtt.publish")), command.BadType, "type", "not bytes"},
		{dict("type", "mqtt.frobnicate"), command.UnknownType, "type", `"mqtt.frobnicate"`},
		{dict("type", "mqtt.frobnicate"), command.UnknownType, "type", "there are mqtt.subscribe, mqtt.unsubscribe, mqtt.publish, mqtt.request, mqtt.status"},
		{dict("type", "Mqtt.subscribe"), command.UnknownType, "type", "no command"},
		{dict("type", "other.subscribe"), command.UnknownType, "type", "no command"},
		{dict("type", long), command.UnknownType, "type", "..."},

		{subscribe("colour", "red"), command.UnknownKey, "colour", "no such key; there are type, reply_channel"},
		{subscribe("retain", true), command.UnknownKey, "retain", "no such key"},
		{dict("type", "mqtt.unsubscribe", "topic", "a", "group", "g", "qos", int64(1)), command.UnknownKey, "qos", "no such key"},
		{dict("type", "mqtt.publish", "topic", "a", "payload", "secret"), command.UnknownKey, "topic", "no such key"},
		{publish("topic", "a", "expiry", int64(1)), command.UnknownKey, "publish.expiry", "no such key"},

		{dict("type", "mqtt.subscribe", "group", "g"), command.MissingKey, "topic", "missing"},
		{dict("type", "mqtt.subscribe", "topic", "a"), command.MissingKey, "group", `or "channel"`},
		{dict("type", "mqtt.unsubscribe", "topic", "a"), command.MissingKey, "group", "missing"},
		{dict("type", "mqtt.publish"), command.MissingKey, "publish", "missing"},
		{publish("payload", "secret"), command.MissingKey, "publish.topic", "missing"},

		{subscribe("qos", "1"), command.BadType, "qos", `must be 0, 1 or 2 (an int), not str "1"`},
		{subscribe("qos", true), command.BadType, "qos", "not bool True"},
		{subscribe("qos", 1.0), command.BadType, "qos", "not float 1.0"},
		{subscribe("qos", nil), command.BadType, "qos", "not None"},
		{subscribe("qos", int64(7)), command.BadValue, "qos", "not 7"},
		{subscribe("qos", int64(-1)), command.BadValue, "qos", "not -1"},
		{subscribe("qos", uint64(math.MaxUint64)), command.BadValue, "qos", "not 18446744073709551615"},
		{subscribe("no_local", int64(1)), command.BadType, "no_local", "must be True or False, not int 1"},
		{subscribe("payload", "yaml"), command.BadValue, "payload", "auto"},
		{subscribe("payload", int64(1)), command.BadType, "payload", "a str"},

		{filter("a/#/b"), command.BadFilter, "topic", `"a/#/b" is refused: the wildcard "#" must be the last level`},
		{filter(""), command.BadFilter, "topic", "must not be empty"},
		{filter("a\x00b"), command.BadFilter, "topic", "U+0000"},
		{filter("a\nb"), command.BadFilter, "topic", "U+000A"},
		{filter(int64(5)), command.BadType, "topic", "not int 5"},
		{filter(nil), command.BadType, "topic", "not None"},
		{filter([]byte("a")), command.BadType, "topic", "not bytes"},
		{filter(long), command.BadFilter, "topic", "at most 65535 bytes"},
		{filter("$share/workers/a"), command.Unsupported, "topic", "not supported"},
		{filter("$share/"), command.BadFilter, "topic", "needs a name"},

		{dict("type", "mqtt.subscribe", "topic", "a", "group", "a/b"), command.BadName, "group", `"a/b" is refused`},
		{dict("type", "mqtt.subscribe", "topic", "a", "group", ""), command.BadName, "group", "empty"},
		{dict("type", "mqtt.subscribe", "topic", "a", "group", consumer), command.BadName, "group", "!"},
		{dict("type", "mqtt.subscribe", "topic", "a", "group", long), command.BadName, "group", "70000"},
		{dict("type", "mqtt.subscribe", "topic", "a", "group", int64(1)), command.BadType, "group", "int 1"},
		{subscribe("channel", "a!b!c"), command.BadName, "channel", `one "!"`},
		{subscribe("reply_channel", "no way"), command.BadName, "reply_channel", "no way"},
		{subscribe("id", int64(7)), command.BadType, "id", "must be a str"},

		{subscribe("retained", "keep"), command.BadValue, "retained", `not "keep"`},
		{subscribe("retained", false), command.BadType, "retained", "bool False"},
		{subscribe("overflow", "burst"), command.BadValue, "overflow", "burst"},
		{subscribe("batch", int64(1001)), command.BadValue, "batch", "not 1001"},
		{subscribe("batch", int64(0)), command.BadValue, "batch", "not 0"},
		{subscribe("batch", "1"), command.BadType, "batch", `str "1"`},
		{subscribe("min_interval", math.NaN()), command.BadValue, "min_interval", "not nan"},
		{subscribe("min_interval", math.Inf(1)), command.BadValue, "min_interval", "not inf"},
		{subscribe("min_interval", 86400.5), command.BadValue, "min_interval", "not 86400.5"},
		{subscribe("min_interval", uint64(math.MaxUint64)), command.BadValue, "min_interval", "not 18446744073709551615"},
		{subscribe("min_interval", int64(-1)), command.BadValue, "min_interval", "not -1"},
		{subscribe("min_interval", false), command.BadType, "min_interval", "must be a number of seconds from 0 to 86400, not bool False"},
		{append(subscribe("shared", true), dict("no_local", true)...), command.BadValue, "shared", "cannot have no_local"},
		{append(subscribe("shared", true), dict("retained", "send")...), command.BadValue, "shared", "gets no retained messages"},
		{subscribe("shared", "no"), command.BadType, "shared", `str "no"`},

		{subscribe("stream", "s"), command.BadValue, "stream", "a command of its own"},
		{dict("type", "mqtt.unsubscribe", "topic", "a", "channel", consumer, "stream", "s"), command.BadValue, "stream", "leave group and channel out"},
		{dict("type", "mqtt.subscribe", "topic", "a", "stream", "a:b"), command.BadName, "stream", `"a:b" is refused: a stream name`},
		{streaming("batch", int64(2)), command.BadValue, "batch", "a stream cannot have batch"},
		{streaming("min_interval", 0.5), command.BadValue, "min_interval", "a stream cannot have min_interval"},
		{streaming("shared", true), command.BadValue, "shared", "a stream cannot have shared"},
		{streaming("no_local", true), command.BadValue, "no_local", "a stream cannot have no_local"},
		{streaming("overflow", "latest"), command.BadValue, "overflow", `"wait" or "drop" for a stream`},

		{request("timeout", int64(0)), command.BadValue, "timeout", "must be a number of seconds above 0, up to 3600, not 0"},
		{request("timeout", 3600.5), command.BadValue, "timeout", "not 3600.5"},
		{request("timeout", -1.0), command.BadValue, "timeout", "not -1.0"},
		{request("timeout", math.NaN()), command.BadValue, "timeout", "not nan"},
		{request("timeout", "10"), command.BadType, "timeout", `not str "10"`},
		{request("qos", int64(1)), command.UnknownKey, "qos", "no such key"},
		{dict("type", "mqtt.request", "reply_channel", "w"), command.MissingKey, "publish", "missing"},
		{dict("type", "mqtt.request", "publish", dict("topic", "a")), command.MissingKey, "reply_channel", "missing"},
		{asking("response_topic", "a"), command.UnknownKey, "publish.response_topic", "the worker sets it"},
		{asking("correlation_data", []byte("secret")), command.UnknownKey, "publish.correlation_data", "the worker sets it"},
		{asking("qos", int64(3)), command.BadValue, "publish.qos", "not 3"},
		{dict("type", "mqtt.status"), command.MissingKey, "reply_channel", "missing"},
		{dict("type", "mqtt.status", "reply_channel", nil), command.BadType, "reply_channel", "None"},
		{dict("type", "mqtt.status", "reply_channel", "w", "topic", "a"), command.UnknownKey, "topic", "there are type, reply_channel, id"},

		{publish("topic", "a/+"), command.BadTopic, "publish.topic", "wildcard"},
		{publish("topic", "#"), command.BadTopic, "publish.topic", "wildcard"},
		{publish("topic", "a\x00"), command.BadTopic, "publish.topic", "U+0000"},
		{publish("topic", ""), command.BadTopic, "publish.topic", "empty"},
		{publish("topic", int64(5)), command.BadType, "publish.topic", "int 5"},
		{publish("topic", long), command.BadTopic, "publish.topic", "65535"},
		{publish("topic", "a", "qos", int64(7)), command.BadValue, "publish.qos", "not 7"},
		{publish("topic", "a", "qos", "1"), command.BadType, "publish.qos", `"1"`},
		{publish("topic", "a", "retain", "no"), command.BadType, "publish.retain", `must be True or False, not str "no"`},
		{publish("topic", "a", "retain", nil), command.BadType, "publish.retain", "None"},
		{publish("topic", "a", "payload", []any{[]byte("secret")}), command.BadType, "publish.payload", "JSON, which cannot hold bytes"},
		{publish("topic", "a", "payload", dict("k", dict("secret", []byte("secret")))), command.BadType, "publish.payload", "bytes"},
		{dict("type", "mqtt.publish", "publish", "secret"), command.BadType, "publish", "must be a dict, not str"},
		{dict("type", "mqtt.publish", "publish", []any{"secret"}), command.BadType, "publish", "not list"},
		{publish("topic", "a", "content_type", int64(1)), command.BadType, "publish.content_type", "a str"},
		{publish("topic", "a", "content_type", "a\x01"), command.BadValue, "publish.content_type", "U+0001"},
		{publish("topic", "a", "response_topic", "a/#"), command.BadTopic, "publish.response_topic", "wildcard"},
		{publish("topic", "a", "correlation_data", "secret"), command.BadType, "publish.correlation_data", "must be bytes, not str"},
		{publish("topic", "a", "correlation_data", make([]byte, 65536)), command.BadValue, "publish.correlation_data", "65536"},
		{publish("topic", "a", "message_expiry", int64(-1)), command.BadValue, "publish.message_expiry", "not -1"},
		{publish("topic", "a", "message_expiry", int64(1<<32)), command.BadValue, "publish.message_expiry", "4294967295"},
		{publish("topic", "a", "message_expiry", 1.5), command.BadType, "publish.message_expiry", "float 1.5"},
		{publish("topic", "a", "payload_format", int64(2)), command.BadValue, "publish.payload_format", "not 2"},
		{publish("topic", "a", "payload", []byte("\xffsecret"), "payload_format", int64(1)), command.BadValue, "publish.payload_format", "not UTF-8"},
		{publish("topic", "a", "user_properties", "secret"), command.BadType, "publish.user_properties", "not str"},
		{publish("topic", "a", "user_properties", dict("k", int64(1))), command.BadType, "publish.user_properties", "int"},
		{publish("topic", "a", "user_properties", dict("k", []any{nil})), command.BadType, "publish.user_properties", "None"},
		{publish("topic", "a", "user_properties", []any{[]any{"k"}}), command.BadType, "publish.user_properties", "no pair"},
		{publish("topic", "a", "user_properties", []any{"kv"}), command.BadType, "publish.user_properties", "no pair"},
		{publish("topic", "a", "user_properties", []any{[]any{int64(1), "v"}}), command.BadType, "publish.user_properties", "int"},
		{publish("topic", "a", "user_properties", dict("k", "a\nb")), command.BadValue, "publish.user_properties", "U+000A"},
		{append(publish("topic", "a"), dict("reply_channel", "")...), command.BadName, "reply_channel", "empty"},
	} {
		got, err := command.Decoder{}.Decode(test.body)
		fault, ok := err.(*command.Error)
		if !ok || got != nil {
			t.Errorf("%.80v: %v, %v, want an error of %s", test.body, got, err, test.key)
			continue
		}
		if fault.Code != test.code || fault.Key != test.key || !strings.Contains(fault.Reason, test.reason) {
			t.Errorf("%.80v: %+v, want %s of %q about %q", test.body, *fault, test.code, test.key, test.reason)
		}
		if text := fault.Error(); strings.Contains(text, "secret") || len(text) > 600 || !strings.HasPrefix(text, test.key+": ") {
			t.Errorf("%.80v: the text of the error: %q", test.body, text)
		}
	}
}

func filter(v any) messages.Map { return dict("type", "mqtt.subscribe", "topic", v, "group", "g") }

func ExampleDecode() {
	_, err := command.Decoder{}.Decode(messages.Map{
		{Key: "type", Value: "mqtt.subscribe"},
		{Key: "topic", Value: "house/#/lamp"},
		{Key: "group", Value: "lamps"},
	})
	var fault *command.Error
	if errors.As(err, &fault) {
		fmt.Println(fault.Code)
		fmt.Println(fault)
	}
	// Output:
	// bad-filter
	// topic: "house/#/lamp" is refused: the wildcard "#" must be the last level, as in a/#
}

// TestReservedChannel: no messages go where commands come, but what was subscribed can be
// unsubscribed.
func TestReservedChannel(t *testing.T) {
	t.Parallel()
	d := command.Decoder{Reserved: func(channel string) error {
		if channel == "mqtt" {
			return errors.New("commands come there")
		}
		return nil
	}}
	body := func(kind, channel string) messages.Map {
		return messages.Map{{Key: "type", Value: kind}, {Key: "topic", Value: "a"}, {Key: "group", Value: "g"}, {Key: "channel", Value: channel}}
	}
	var fault *command.Error
	if _, err := d.Decode(body("mqtt.subscribe", "mqtt")); !errors.As(err, &fault) || fault.Code != command.BadName || fault.Key != "channel" || !strings.Contains(fault.Reason, "commands come there") {
		t.Errorf("a subscribe is decoded as %v", err)
	}
	for kind, channel := range map[string]string{"mqtt.subscribe": "other", "mqtt.unsubscribe": "mqtt"} {
		if _, err := d.Decode(body(kind, channel)); err != nil {
			t.Errorf("%s of channel %s: %v", kind, channel, err)
		}
	}
}
