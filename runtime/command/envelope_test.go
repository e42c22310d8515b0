package command_test

import (
	"strings"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/command"
)

// TestEnvelope reads commands of which something else is wrong.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body  messages.Map
		kind  string
		reply messages.ReplyTo
	}{
		"nothing":          {nil, "", messages.ReplyTo{}},
		"dotted":           {dict("type", "mqtt.subscribe", "reply_channel", "w!x", "id", "7"), "mqtt.subscribe", messages.ReplyTo{Channel: "w!x", ID: "7"}},
		"underscore":       {dict("type", "mqtt_request", "colour", "red"), "mqtt.request", messages.ReplyTo{}},
		"no such type":     {dict("type", "mqtt_frob", "id", "7"), "mqtt_frob", messages.ReplyTo{ID: "7"}},
		"a long type":      {dict("type", strings.Repeat("é", 70_000)), strings.Repeat("é", 60), messages.ReplyTo{}},
		"a type of ints":   {dict("type", int64(1), "id", int64(7), "reply_channel", "w"), "", messages.ReplyTo{Channel: "w"}},
		"a bad channel":    {dict("type", "mqtt.status", "reply_channel", "no way", "id", "7"), "mqtt.status", messages.ReplyTo{ID: "7"}},
		"no channel":       {dict("type", "mqtt.status", "reply_channel", nil, "id", "7"), "mqtt.status", messages.ReplyTo{ID: "7"}},
		"an empty channel": {dict("reply_channel", ""), "", messages.ReplyTo{}},
	} {
		kind, reply := command.Decoder{}.Envelope(test.body)
		if kind != test.kind || reply != test.reply {
			t.Errorf("%s: %q %+v, want %q %+v", name, kind, reply, test.kind, test.reply)
		}
	}
}

// TestSubscription reads what stands in no command.
func TestSubscription(t *testing.T) {
	t.Parallel()
	body := subscribe("qos", int64(1))[1:]
	got, err := command.Subscription(body)
	if err != nil || got.Filter != "a/+" || len(got.Targets) != 1 || got.Options.QoS != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	for key, bad := range map[string]messages.Map{
		"type":          subscribe(),
		"reply_channel": append(body, dict("reply_channel", "w")...),
		"id":            append(body, dict("id", "7")...),
		"shared":        append(body, dict("shared", 1)...),
		"batch":         append(body, dict("batch", 1.5)...),
		"topic":         dict("group", "g"),
	} {
		_, err := command.Subscription(bad)
		if fault, ok := err.(*command.Error); !ok || fault.Key != key {
			t.Errorf("%v, want an error of %s", err, key)
		}
	}
}
