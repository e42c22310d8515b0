package mqtt

import (
	"encoding/binary"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.golang/packets"
)

func encodeProperties(p *messages.Properties) *packets.Properties {
	if p == nil {
		return nil
	}
	out := &packets.Properties{
		ContentType:     p.ContentType,
		ResponseTopic:   p.ResponseTopic,
		CorrelationData: p.CorrelationData,
		MessageExpiry:   p.MessageExpiry,
		PayloadFormat:   p.PayloadFormat,
	}
	for _, u := range p.UserProperties {
		out.User = append(out.User, packets.User{Key: u.Key, Value: u.Value})
	}
	return out
}

// decodeProperties returns nil where the publisher set none.
func decodeProperties(p *packets.Properties) *messages.Properties {
	if p.ContentType == "" && p.ResponseTopic == "" && len(p.CorrelationData) == 0 &&
		len(p.User) == 0 && p.MessageExpiry == nil && p.PayloadFormat == nil {
		return nil
	}
	out := &messages.Properties{
		ContentType:     p.ContentType,
		ResponseTopic:   p.ResponseTopic,
		CorrelationData: p.CorrelationData,
		MessageExpiry:   p.MessageExpiry,
		PayloadFormat:   p.PayloadFormat,
	}
	for _, u := range p.User {
		out.UserProperties = append(out.UserProperties, messages.UserProperty{Key: u.Key, Value: u.Value})
	}
	return out
}

// subscriptionIdentifiers finds all Subscription Identifiers of a PUBLISH that
// the codec has read without error; of several the codec keeps only the last.
// A broker may send one for each subscription that matches [MQTT-3.3.4-4].
func subscriptionIdentifiers(frame []byte) []uint32 {
	_, body := variableInt(frame[1:])
	body = body[2+binary.BigEndian.Uint16(body):]
	if qos := frame[0] >> 1 & 3; qos > 0 {
		body = body[2:]
	}
	length, body := variableInt(body)
	properties := body[:min(int(length), len(body))]
	var found []uint32
	for len(properties) > 0 {
		id, value := properties[0], properties[1:]
		if id == packets.PropSubscriptionIdentifier {
			var n uint32
			n, _ = variableInt(value)
			found = append(found, n)
		}
		properties = value[min(propertySize(id, value), len(value)):]
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
		return key + stringSize(value[min(key, len(value)):])
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
