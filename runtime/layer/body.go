package layer

import (
	"unicode/utf8"

	"chanmqttproxy/messages"
)

// appendBody appends the body of an event, and its MQTT message, if there is one, under
// "message". extra counts the entries that the caller will add. A body that cannot be packed
// becomes an mqtt.error, since somebody waits for it, and counts as an odd payload.
func appendBody(dst []byte, e *messages.Event, extra int) (out []byte, u oddities) {
	carries := e.Message != nil && e.Message.Topic != ""
	if carries {
		extra++
	}
	out, err := appendPairs(appendMapHead(dst, len(e.Body)+extra), e.Body, 0)
	if err != nil {
		u.payloads = 1
		body := unwritable(e.Body)
		out, _ = appendPairs(appendMapHead(dst, len(body)+extra), body, 0) // valid text only
	}
	if carries {
		var more oddities
		out, more = appendEvent(appendStr(out, "message"), e)
		u = oddities{max(u.payloads, more.payloads), more.numbers}
	}
	return out, u
}

// unwritable replaces a body that cannot be packed.
func unwritable(body messages.Map) messages.Map {
	instead := messages.Map{
		{Key: "type", Value: "mqtt.error"},
		{Key: "code", Value: messages.CodeBug},
		{Key: "reason", Value: "what the worker had to say cannot be written"},
	}
	for _, key := range []string{"id", "command"} {
		v, _ := body.Get(key)
		if text, ok := v.(string); ok && utf8.ValidString(text) {
			instead = append(instead, messages.Pair{Key: key, Value: text})
		}
	}
	return instead
}
