package layer

import (
	"unicode/utf8"

	"chanmqttproxy/messages"
)

// asgiChannel is the layer's own entry of a message: the channels that it is for, if several share
// a queue.
const asgiChannel = "__asgi_channel__"

// appendBundle appends {"type": "<channel>.message", "message": {...}}, or its
// plural form, or the body of an event, to dst; extra counts the entries that the caller will add. No
// event fails to pack: what should be text and is not valid UTF-8 goes as bytes.
func appendBundle(dst []byte, channel string, b *messages.Bundle, extra int) (out []byte, u oddities) {
	if len(b.Events) == 1 && len(b.Events[0].Body) > 0 {
		return appendBody(dst, &b.Events[0], extra)
	}
	dst = appendStr(appendMapHead(dst, 2+extra), "type")
	if b.Plural || len(b.Events) != 1 {
		dst = appendStr(appendStr(dst, channel+".messages"), "messages")
		dst = appendArrayHead(dst, len(b.Events))
	} else {
		dst = appendStr(appendStr(dst, channel+".message"), "message")
	}
	for i := range b.Events {
		var more oddities
		dst, more = appendEvent(dst, &b.Events[i])
		u.add(more)
	}
	return dst, u
}

// appendEvent appends what a site sees of one MQTT message.
func appendEvent(dst []byte, e *messages.Event) (out []byte, u oddities) {
	m := e.Message
	properties := countProperties(m.Properties)
	entries := 4
	if properties > 0 {
		entries++
	}
	dst = appendMapHead(dst, entries)
	dst = appendAnyText(appendStr(dst, "topic"), m.Topic)
	dst, u = appendPayload(appendStr(dst, "payload"), m.Payload, e.Payload)
	dst = appendUint(appendStr(dst, "qos"), uint64(e.QoS))
	dst = appendBool(appendStr(dst, "retain"), m.Retain)
	if properties > 0 {
		dst = appendMapHead(appendStr(dst, "properties"), properties)
		dst = appendProperties(dst, m.Properties)
	}
	return dst, u
}

// countProperties counts the keys that the publisher set.
func countProperties(p *messages.Properties) int {
	if p == nil {
		return 0
	}
	n := 0
	for _, set := range []bool{
		p.ContentType != "", p.ResponseTopic != "", p.CorrelationData != nil,
		p.UserProperties != nil, p.MessageExpiry != nil, p.PayloadFormat != nil,
	} {
		if set {
			n++
		}
	}
	return n
}

func appendProperties(dst []byte, p *messages.Properties) []byte {
	if p.ContentType != "" {
		dst = appendAnyText(appendStr(dst, "content_type"), p.ContentType)
	}
	if p.ResponseTopic != "" {
		dst = appendAnyText(appendStr(dst, "response_topic"), p.ResponseTopic)
	}
	if p.CorrelationData != nil {
		dst = appendBin(appendStr(dst, "correlation_data"), p.CorrelationData)
	}
	if p.UserProperties != nil {
		dst = appendUserProperties(appendStr(dst, "user_properties"), p.UserProperties)
	}
	if p.MessageExpiry != nil {
		dst = appendUint(appendStr(dst, "message_expiry"), uint64(*p.MessageExpiry))
	}
	if p.PayloadFormat != nil {
		dst = appendUint(appendStr(dst, "payload_format"), uint64(*p.PayloadFormat))
	}
	return dst
}

// appendUserProperties appends a list of [key, value] lists: names may repeat
// and their order counts [MQTT-3.3.2-18].
func appendUserProperties(dst []byte, list []messages.UserProperty) []byte {
	dst = appendArrayHead(dst, len(list))
	for _, p := range list {
		dst = appendAnyText(appendAnyText(appendArrayHead(dst, 2), p.Key), p.Value)
	}
	return dst
}

func appendAnyText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		return appendBin(dst, []byte(s))
	}
	return appendStr(dst, s)
}
