package mqtt_test

import (
	"bytes"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/kit"
)

// TestCostOfPublish bounds what a PUBLISH of 100 bytes allocates that is read.
func TestCostOfPublish(t *testing.T) {
	const n = 1000
	for v, packet := range map[messages.Version]string{
		messages.MQTT311: "\x32\x73\x00\x0dhouse/lamp/on\x00\x01" + string(make([]byte, 98)),
		messages.MQTT5:   "\x32\x74\x00\x0dhouse/lamp/on\x00\x01\x00" + string(make([]byte, 98)),
	} {
		stream := bytes.Repeat([]byte(packet), n)
		if list, _ := mqtt.ReadFrames(v, stream); len(list) != n {
			t.Fatalf("%d messages of %d", len(list), n)
		}
		kit.CostOf(t, n, func() { mqtt.ReadFrames(v, stream) }).
			Within(t, "reading a PUBLISH of MQTT "+v.String(), kit.Cost{Allocations: 3.1, Bytes: 495})
	}
}

// BenchmarkReadPublish is what it takes to read and decode a PUBLISH of 100 bytes.
func BenchmarkReadPublish(b *testing.B) {
	stream := bytes.Repeat([]byte("\x32\x73\x00\x0dhouse/lamp/on\x00\x01"+string(make([]byte, 98))), b.N)
	b.ReportAllocs()
	b.ResetTimer()
	mqtt.ReadFrames(messages.MQTT311, stream)
}
