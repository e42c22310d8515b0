package mqtt_test

import (
	"reflect"
	"slices"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
)

func TestPublishRoundTrip(t *testing.T) {
	t.Parallel()
	format := byte(1)
	full := &messages.Properties{
		ContentType: "a", ResponseTopic: "b", CorrelationData: []byte("c"), PayloadFormat: &format,
		UserProperties: []messages.UserProperty{{Key: "k", Value: "v"}, {Key: "k", Value: "w"}},
	}
	for _, v := range []messages.Version{messages.MQTT311, messages.MQTT5} {
		for _, m := range []messages.Message{
			{Topic: "a", Payload: []byte("x")},
			{Topic: "ä/b", Payload: []byte{}, QoS: 1, Retain: true},
			{Topic: "a", Payload: make([]byte, 200_000), QoS: 2, Properties: full},
		} {
			if v == messages.MQTT311 {
				m.Properties = nil
			}
			got, _ := mqtt.ReadFrames(v, mqtt.EncodePublish(v, 7, &m))
			if len(got) != 1 || !reflect.DeepEqual(*got[0], m) {
				t.Errorf("MQTT %s: %q of %d bytes came back as %d messages, or another", v, m.Topic, len(m.Payload), len(got))
			}
		}
	}
}

// TestIdentifiers: all of several are found, between and behind other
// properties [MQTT-3.3.4-4].
func TestIdentifiers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		properties string
		want       []uint32
	}{
		{"", nil},
		{"\x0b\x01", []uint32{1}},
		{"\x0b\x01\x0b\xff\xff\xff\x7f\x0b\x80\x01", []uint32{1, 268435455, 128}},
		{"\x01\x01\x0b\x02\x02\x00\x00\x00\x05\x26\x00\x01k\x00\x01v\x03\x00\x01t\x0b\x03", []uint32{2, 3}},
	}
	for _, c := range cases {
		for qos := byte(0); qos <= 2; qos++ {
			body := "\x00\x01a"
			if qos > 0 {
				body += "\x00\x07"
			}
			body += string([]byte{byte(len(c.properties))}) + c.properties + "payload"
			got, identifiers := mqtt.ReadFrames(messages.MQTT5, append([]byte{0x30 | qos<<1, byte(len(body))}, body...))
			if len(got) != 1 || !slices.Equal(identifiers[0], c.want) || string(got[0].Payload) != "payload" {
				t.Errorf("properties %x at QoS %d gave %v, want %v", c.properties, qos, identifiers, c.want)
			}
		}
	}
}

func FuzzReadFrames(f *testing.F) {
	for _, v := range []messages.Version{messages.MQTT311, messages.MQTT5} {
		f.Add(byte(v), mqtt.EncodePublish(v, 1, &messages.Message{Topic: "a/b", Payload: []byte("x"), QoS: 1}))
		f.Add(byte(v), []byte("\x20\x03\x00\x87\x00\x90\x03\x00\x01\x80\x40\x02\x00\x01\x50\x02\x00\x01\x62\x02\x00\x01\x70\x02\x00\x01\xd0\x00\xe0\x01\x8e"))
		f.Add(byte(v), []byte("\x30\x0c\x00\x01a\x07\x0b\x01\x0b\xff\xff\xff\x7f"))
	}
	f.Fuzz(func(t *testing.T, version byte, stream []byte) {
		messagesRead, _ := mqtt.ReadFrames(messages.Version(version), stream)
		for _, m := range messagesRead {
			if m.QoS > 2 || len(m.Topic)+len(m.Payload) > len(stream) {
				t.Fatalf("QoS %d, topic of %d and payload of %d bytes out of %d", m.QoS, len(m.Topic), len(m.Payload), len(stream))
			}
		}
	})
}
