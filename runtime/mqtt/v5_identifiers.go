package mqtt

import (
	"encoding/binary"

	"github.com/eclipse/paho.golang/packets"
)

// subscriptionIdentifiers finds all Subscription Identifiers of a PUBLISH of
// version 5: a broker may send one for each subscription that matches
// [MQTT-3.3.4-4]. In a malformed packet it finds anything or nothing; the codec
// will say so.
func subscriptionIdentifiers(frame []byte) []uint32 {
	_, body := variableInt(frame[1:])
	body = skip(body, stringSize(body)) // the topic
	if qos := frame[0] >> 1 & 3; qos > 0 {
		body = skip(body, 2)
	}
	length, body := variableInt(body)
	properties := body[:min(int(length), len(body))]
	var found []uint32
	for len(properties) > 0 {
		id, value := properties[0], properties[1:]
		if id == packets.PropSubscriptionIdentifier {
			n, _ := variableInt(value)
			found = append(found, n)
		}
		properties = skip(value, propertySize(id, value))
	}
	return found
}

// propertySize is the length of the value of a PUBLISH property (section
// 2.2.2.2).
func propertySize(id byte, value []byte) int {
	switch id {
	case packets.PropPayloadFormat:
		return 1
	case packets.PropTopicAlias:
		return 2
	case packets.PropMessageExpiry:
		return 4
	case packets.PropSubscriptionIdentifier:
		_, rest := variableInt(value)
		return len(value) - len(rest)
	case packets.PropUser:
		key := stringSize(value)
		return key + stringSize(skip(value, key))
	default:
		return stringSize(value)
	}
}

func stringSize(b []byte) int {
	if len(b) < 2 {
		return len(b)
	}
	return 2 + int(binary.BigEndian.Uint16(b))
}

// skip leaves out the first n bytes, or all there are.
func skip(b []byte, n int) []byte { return b[min(n, len(b)):] }

// variableInt reads a Variable Byte Integer (section 1.5.5) and returns what
// follows it.
func variableInt(b []byte) (n uint32, rest []byte) {
	for i := range min(4, len(b)) {
		n |= uint32(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return n, b[i+1:]
		}
	}
	return n, b[min(4, len(b)):]
}
