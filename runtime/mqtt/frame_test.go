package mqtt_test

import (
	"bytes"
	"reflect"
	"runtime"
	"slices"
	"strings"
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

// TestPlainPublish: a message without properties is written as the libraries write it.
func TestPlainPublish(t *testing.T) {
	t.Parallel()
	for _, v := range []messages.Version{messages.MQTT311, messages.MQTT5} {
		for _, size := range []int{0, 1, 118, 119, 120, 121, 122, 123, 16_370, 16_376, 16_377, 16_378, 16_379, 2_097_200} {
			for qos := byte(0); qos <= 2; qos++ {
				m := &messages.Message{Topic: "ä/b", Payload: bytes.Repeat([]byte("x"), size), QoS: qos, Retain: size%2 == 0}
				for _, dup := range []bool{false, true} {
					if got, want := mqtt.Encode(v, 258, dup, m), mqtt.LibraryEncode(v, 258, dup, m); !bytes.Equal(got, want) {
						t.Errorf("MQTT %s, QoS %d, dup %v, %d bytes: %x, want %x", v, qos, dup, size, got[:min(16, len(got))], want[:min(16, len(want))])
					}
				}
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

// publish5 is a PUBLISH with these properties.
func publish5(flags byte, properties, payload string) []byte {
	body := append([]byte{0, 1, 'a'}, make([]byte, 2*min(1, flags&6))...)
	body = append(body, lengthOf(len(properties))...)
	body = append(body, properties+payload...)
	return append(append([]byte{0x30 | flags}, lengthOf(len(body))...), body...)
}

func lengthOf(n int) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// TestUserProperties: those above a bound are left out and counted, in whatever numbers
// they come, and the others keep their order.
func TestUserProperties(t *testing.T) {
	t.Parallel()
	pair := func(key, value string) string {
		return "\x26" + string([]byte{byte(len(key) >> 8), byte(len(key))}) + key + string([]byte{byte(len(value) >> 8), byte(len(value))}) + value
	}
	long := strings.Repeat("x", 30_000)
	for name, c := range map[string]struct {
		properties    string
		kept, dropped int
	}{
		"as many as may be":     {strings.Repeat(pair("k", "v"), 1000), 1000, 0},
		"one more":              {strings.Repeat(pair("k", "v"), 1001), 1000, 1},
		"as long as may be":     {pair(long, long) + pair(strings.Repeat("x", 5536), ""), 2, 0},
		"one byte more":         {pair(long, long) + pair(strings.Repeat("x", 5537), ""), 1, 1},
		"none after a long one": {pair("k", "v") + strings.Repeat(pair(long, long), 2) + pair("k", "v"), 2, 2},
		"very many empty ones":  {strings.Repeat(pair("", ""), 3_000_000) + "\x03\x00\x01t", 1000, 2_999_000},
	} {
		got := mqtt.ReadFramesWithin(messages.MQTT5, 0, publish5(0, c.properties, "payload"))
		if len(got) != 1 || string(got[0].Message.Payload) != "payload" {
			t.Errorf("%s: %d messages", name, len(got))
			continue
		}
		if kept := len(got[0].Message.Properties.UserProperties); kept != c.kept || got[0].Dropped != c.dropped {
			t.Errorf("%s: %d were kept and %d dropped, want %d and %d", name, kept, got[0].Dropped, c.kept, c.dropped)
		}
		if name == "very many empty ones" && got[0].Message.Properties.ContentType != "t" {
			t.Errorf("%s: what follows them is not read", name)
		}
	}
}

// TestPayloadHoldsNoMore: properties that are left out are not held by the payload behind
// them.
func TestPayloadHoldsNoMore(t *testing.T) { // not parallel, since it measures memory
	held := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	packet := publish5(0, strings.Repeat("\x26\x00\x00\x00\x00", 200_000), "x") // 1 MB
	before := held()
	got := mqtt.ReadFramesWithin(messages.MQTT5, 0, bytes.Repeat(packet, 30))
	if n := held() - before; n > 8<<20 {
		t.Errorf("%d messages hold %d bytes", len(got), n)
	}
	runtime.KeepAlive(got)
}

// TestManyIdentifiers: more than anybody subscribes with stand for all that match.
func TestManyIdentifiers(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1024: 1024, 1025: 0, 1_000_000: 0} {
		got, identifiers := mqtt.ReadFrames(messages.MQTT5, publish5(2, strings.Repeat("\x0b\x01", n), "x"))
		if len(got) != 1 || len(identifiers[0]) != want {
			t.Errorf("%d identifiers: %d messages, %d kept", n, len(got), len(identifiers))
		}
	}
}

// FuzzPublish: what is taken for a PUBLISH is one to the library too, with the same in it.
func FuzzPublish(f *testing.F) {
	f.Add(byte(2), "\x01\x01\x02\x00\x00\x00\x05\x26\x00\x01k\x00\x01v\x03\x00\x01t\x08\x00\x01r\x09\x00\x01c", "payload")
	f.Add(byte(0), "\x0b\x01\x0b\xff\xff\xff\x7f\x23\x00\x01", "")
	f.Add(byte(4), strings.Repeat("\x26\x00\x00\x00\x00", 1001), strings.Repeat("x", 1000))
	f.Fuzz(func(t *testing.T, flags byte, properties, payload string) {
		b := publish5(flags&15, properties, payload)
		got := mqtt.ReadFramesWithin(messages.MQTT5, 0, b)
		if len(got) == 0 {
			return
		}
		want, err := mqtt.LibraryPublish(b)
		if err != nil {
			t.Fatalf("%x is taken, but the library says: %v", b, err)
		}
		if d := got[0].Dropped; d > 0 {
			want.Properties.UserProperties = want.Properties.UserProperties[:len(want.Properties.UserProperties)-d]
		}
		if !reflect.DeepEqual(got[0].Message, want) {
			t.Fatalf("%x gave %+v, and the library %+v", b, got[0].Message, want)
		}
	})
}

// FuzzSkip: with a maximum the same packets are found as without, and of the larger ones
// the topic and id.
func FuzzSkip(f *testing.F) {
	for _, v := range []messages.Version{messages.MQTT311, messages.MQTT5} {
		small := mqtt.EncodePublish(v, 1, &messages.Message{Topic: "a", Payload: []byte("x"), QoS: 1})
		large := mqtt.EncodePublish(v, 2, &messages.Message{Topic: "a/b", Payload: make([]byte, 1000), QoS: 2})
		f.Add(v == messages.MQTT5, uint16(100), slices.Concat(large, small, large, []byte("\xd0\x00"), small))
	}
	f.Fuzz(func(t *testing.T, five bool, maximum uint16, stream []byte) {
		v, most := either(five), 5+int(maximum)
		want, got := mqtt.ReadFramesWithin(v, 0, stream), mqtt.ReadFramesWithin(v, most, stream)
		if len(got) < len(want) { // a fault may be in what is skipped
			t.Fatalf("%d messages, want %d", len(got), len(want))
		}
		for i, w := range want {
			g := got[i]
			if g.Message.Topic != w.Message.Topic || g.Message.QoS != w.Message.QoS || g.ID != w.ID {
				t.Fatalf("message %d is %q %d, want %q %d", i, g.Message.Topic, g.ID, w.Message.Topic, w.ID)
			}
			if g.Oversized > 0 && (g.Oversized <= most || g.Message.Payload != nil) || g.Oversized == 0 && !reflect.DeepEqual(g, w) {
				t.Fatalf("message %d of %d bytes within %d: %+v, want %+v", i, g.Oversized, most, g, w)
			}
		}
	})
}

func FuzzReadFrames(f *testing.F) {
	for _, v := range []messages.Version{messages.MQTT311, messages.MQTT5} {
		f.Add(v == messages.MQTT5, mqtt.EncodePublish(v, 1, &messages.Message{Topic: "a/b", Payload: []byte("x"), QoS: 1}))
		f.Add(v == messages.MQTT5, []byte("\x20\x03\x00\x87\x00\x90\x03\x00\x01\x80\x40\x02\x00\x01\x50\x02\x00\x01\x62\x02\x00\x01\x70\x02\x00\x01\xd0\x00\xe0\x01\x8e"))
		f.Add(v == messages.MQTT5, []byte("\x30\x0c\x00\x01a\x07\x0b\x01\x0b\xff\xff\xff\x7f"))
	}
	f.Fuzz(func(t *testing.T, five bool, stream []byte) {
		messagesRead, _ := mqtt.ReadFrames(either(five), stream)
		for _, m := range messagesRead {
			if m.QoS > 2 || len(m.Topic)+len(m.Payload) > len(stream) {
				t.Fatalf("QoS %d, topic of %d and payload of %d bytes out of %d", m.QoS, len(m.Topic), len(m.Payload), len(stream))
			}
		}
	})
}

func either(five bool) messages.Version {
	if five {
		return messages.MQTT5
	}
	return messages.MQTT311
}
