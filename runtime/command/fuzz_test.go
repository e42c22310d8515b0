package command_test

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
	"chanmqttproxy/runtime/command"
)

// secret stands for a payload. It is not to be seen in any error.
const secret = "s3cr3t"

// words are what fuzzing picks keys and values from, besides text of its own.
var words = []string{
	"type", "topic", "group", "channel", "stream", "qos", "no_local", "retained", "payload", "overflow", "batch",
	"min_interval", "shared", "reply_channel", "id", "publish", "retain", "content_type", "response_topic",
	"correlation_data", "user_properties", "message_expiry", "payload_format",
	"mqtt.subscribe", "mqtt_unsubscribe", "mqtt.publish", "mqtt.request", "a/+/#", "a", "json", "drop",
	"$share/a/b", "a!b", "\x00", strings.Repeat("x", 70_000), "send", "timeout", "mqtt_status",
}

// kinds are the types of commands.
var kinds = []string{"mqtt.subscribe", "mqtt_unsubscribe", "mqtt.publish", "mqtt.request", "mqtt_status"}

// source makes values out of bytes.
type source struct{ data []byte }

func (s *source) next() byte {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b
}

func (s *source) take(n int) []byte {
	n = min(n, len(s.data))
	taken := s.data[:n]
	s.data = s.data[n:]
	return taken
}

func (s *source) word() string {
	n := int(s.next())
	if n < len(words) {
		return words[n]
	}
	return strings.ToValidUTF8(string(s.take(n%8)), "?")
}

func (s *source) value(depth int) messages.Value {
	kind := s.next() % 9
	if depth == 0 {
		kind %= 7
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return s.next()%2 == 0
	case 2:
		return int64(int8(s.next()))
	case 3:
		var bits [8]byte
		copy(bits[:], s.take(8))
		return math.Float64frombits(binary.BigEndian.Uint64(bits[:]))
	case 4, 5:
		return s.word()
	case 6:
		return s.take(int(s.next() % 8))
	case 7:
		list := []any{}
		for range s.next() % 4 {
			list = append(list, s.value(depth-1))
		}
		return list
	default:
		return s.dict(depth - 1)
	}
}

func (s *source) dict(depth int) messages.Map {
	m := messages.Map{}
	for range s.next() % 8 {
		key, value := s.word(), s.value(depth)
		if key == "payload" || key == "publish" && s.next()%2 == 0 {
			value = hide(value)
		}
		m = append(m, messages.Pair{Key: key, Value: value})
	}
	return m
}

// hide puts the secret into a value, if it can hold one.
func hide(v messages.Value) messages.Value {
	switch v := v.(type) {
	case string:
		return secret + v
	case []byte:
		return append([]byte(secret), v...)
	case []any:
		return append(v, secret, []byte(secret))
	case messages.Map:
		return append(v, messages.Pair{Key: "payload", Value: []any{secret, dict(secret, []byte(secret))}})
	}
	return v
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 22, 3, 1, 4, 26, 2, 4, 27})
	f.Add([]byte{2, 24, 1, 14, 8, 3, 1, 4, 27, 7, 4, 50, 4, 2, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := source{data}
		kind := kinds[int(s.next())%len(kinds)]
		body := append(dict("type", kind), s.dict(3)...)
		checkEnvelope(t, kind, body)
		got, err := command.Decoder{}.Decode(body)
		if err != nil {
			checkError(t, kind, got, err)
			return
		}
		checkCommand(t, got)
	})
}

func checkEnvelope(t *testing.T, kind string, body messages.Map) {
	t.Helper()
	reserved := command.Decoder{Reserved: func(channel string) error { return errors.New("it is nobody's: " + channel) }}
	if _, reply := reserved.Envelope(body); reply.Channel != "" {
		t.Errorf("an answer would go to %s", reply.Channel)
	}
	if c, err := reserved.Decode(body); err == nil {
		if _, asks := body.Get("reply_channel"); asks {
			t.Errorf("%+v is to be answered", c)
		}
	}
	got, reply := command.Decoder{}.Envelope(body)
	if got != strings.ReplaceAll(kind, "_", ".") {
		t.Errorf("the type %s is %s", kind, got)
	}
	if reply.Channel != "" && messages.ValidChannel(reply.Channel) != nil {
		t.Errorf("%+v", reply)
	}
}

func checkError(t *testing.T, kind string, got messages.Command, err error) {
	t.Helper()
	var fault *command.Error
	if got != nil || !errors.As(err, &fault) || fault.Code == "" || fault.Reason == "" {
		t.Errorf("a command %v with the error %v", got, err)
	}
	if len(err.Error()) > 1000 {
		t.Errorf("an error of %d bytes: %.200s...", len(err.Error()), err)
	}
	// Of mqtt.subscribe "payload" is a mode and may be shown.
	if kind != "mqtt.subscribe" && strings.Contains(err.Error(), secret) {
		t.Errorf("an error holds the payload: %v", err)
	}
}

// checkCommand checks what others rely on.
func checkCommand(t *testing.T, c messages.Command) {
	t.Helper()
	switch c := c.(type) {
	case messages.SubscribeCommand:
		if topic.ValidateFilter(c.Filter) != nil || len(c.Targets) == 0 || c.Options.QoS > 2 || c.Options.MinInterval < 0 ||
			c.Recipient != "" && !c.Retained {
			t.Errorf("decoded %+v", c)
		}
	case messages.RequestCommand:
		p := c.Message.Properties
		if c.Timeout <= 0 || c.ReplyTo.Channel == "" || p != nil && (p.ResponseTopic != "" || p.CorrelationData != nil) {
			t.Errorf("decoded %+v", c)
		}
	case messages.StatusCommand:
		if c.ReplyTo.Channel == "" {
			t.Errorf("decoded %+v", c)
		}
	case messages.UnsubscribeCommand:
		if topic.ValidateFilter(c.Filter) != nil || len(c.Targets) == 0 {
			t.Errorf("decoded %+v", c)
		}
	case messages.PublishCommand:
		if topic.ValidateName(c.Message.Topic) != nil || c.Message.QoS > 2 {
			t.Errorf("decoded %+v", c)
		}
	default:
		t.Errorf("decoded %T", c)
	}
}
