package layer

import (
	"unicode/utf8"

	"chanmqttproxy/messages"
)

// appendBody appends what the body of an event says, and its MQTT message, where
// there is one, under "message"; extra counts the entries that the caller will
// add. A body that cannot be packed becomes an mqtt.error and counts as
// undecodable: somebody waits for it.
func appendBody(dst []byte, e *messages.Event, extra int) (out []byte, undecodable int) {
	carries := e.Message != nil && e.Message.Topic != ""
	if carries {
		extra++
	}
	out, err := appendPairs(appendMapHead(dst, len(e.Body)+extra), e.Body, 0)
	if err != nil {
		undecodable = 1
		body := unwritable(e.Body)
		out, _ = appendPairs(appendMapHead(dst, len(body)+extra), body, 0) // valid text only
	}
	if carries {
		var ok bool
		if out, ok = appendEvent(appendStr(out, "message"), e); !ok {
			undecodable = 1
		}
	}
	return out, undecodable
}

// unwritable is what takes the place of a body that cannot be packed.
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
