package layer_test

import (
	"io"
	"log/slog"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	addr := runMiniredis(t).Addr()
	c := layer.NewCore(layer.Config{Redis: kit.RedisOptions(addr), Channel: "iot"}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	defer c.Close()
	expiry, format := uint32(30), byte(1)
	event := func(m messages.Message) messages.Event { return messages.Event{Message: &m} }
	plain := messages.Map{
		{Key: "topic", Value: "a/b"}, {Key: "payload", Value: int64(1)}, {Key: "qos", Value: int64(0)}, {Key: "retain", Value: false},
	}
	full := append(plain[:4:4], messages.Pair{Key: "properties", Value: messages.Map{
		{Key: "content_type", Value: "text/plain"},
		{Key: "response_topic", Value: "re"},
		{Key: "correlation_data", Value: []byte("id")},
		{Key: "user_properties", Value: []any{[]any{"k", "1"}, []any{"k", "2"}}},
		{Key: "message_expiry", Value: int64(30)},
		{Key: "payload_format", Value: int64(1)},
	}})
	for name, one := range map[string]struct {
		event messages.Event
		want  messages.Map
	}{
		"plain":         {event(messages.Message{Topic: "a/b", Payload: []byte("1")}), plain},
		"no properties": {event(messages.Message{Topic: "a/b", Payload: []byte("1"), Properties: &messages.Properties{}}), plain},
		"all properties": {event(messages.Message{Topic: "a/b", Payload: []byte("1"), Properties: &messages.Properties{
			ContentType: "text/plain", ResponseTopic: "re", CorrelationData: []byte("id"),
			UserProperties: []messages.UserProperty{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}},
			MessageExpiry:  &expiry, PayloadFormat: &format,
		}}), full},
		"the target's qos": {messages.Event{QoS: 1, Payload: messages.PayloadText, Message: &messages.Message{Topic: "a", QoS: 2, Retain: true, Payload: []byte("1")}},
			messages.Map{{Key: "topic", Value: "a"}, {Key: "payload", Value: "1"}, {Key: "qos", Value: int64(1)}, {Key: "retain", Value: true}}},
		"text that is none": {event(messages.Message{Topic: "a\xff"}),
			messages.Map{{Key: "topic", Value: []byte("a\xff")}, {Key: "payload", Value: ""}, {Key: "qos", Value: int64(0)}, {Key: "retain", Value: false}}},
	} {
		t.Run(name, func(t *testing.T) {
			target := messages.Target{Kind: messages.Channel, Name: "out"}
			if _, err := c.Send(t.Context(), &messages.Batch{Target: target, Bundles: []messages.Bundle{alone(one.event)}}); err != nil {
				t.Fatal(err)
			}
			z := kit.RedisClient(t, addr).ZPopMin(t.Context(), "asgiout").Val()
			got, err := layer.DecodeMessage(z[0].Member.(string)[12:])
			want := messages.Map{{Key: "type", Value: "iot.message"}, {Key: "message", Value: one.want}}
			if err != nil || dump(got) != dump(want) {
				t.Errorf("%s, want %s", dump(got), dump(want))
			}
		})
	}
}
