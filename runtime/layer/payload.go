package layer

import (
	"unicode/utf8"

	"chanmqttproxy/messages"
)

// AppendPayload appends what Python is to see of an MQTT payload, as msgpack.
//
//   - PayloadAuto: JSON if json.loads takes it, else text if it is valid UTF-8,
//     else bytes. An empty payload is empty text.
//   - PayloadJSON, PayloadText, PayloadBytes: that and nothing else. What is not
//     that is delivered as bytes, and ok is false.
//
// JSON that msgpack cannot hold (integers beyond 64 bits, lone surrogates, more
// than 500 containers inside each other) is delivered as its text.
func AppendPayload(dst, payload []byte, mode messages.PayloadMode) (out []byte, ok bool) {
	if mode == messages.PayloadBytes {
		return appendBin(dst, payload), true
	}
	if !utf8.Valid(payload) {
		return appendBin(dst, payload), mode == messages.PayloadAuto
	}
	if mode != messages.PayloadText {
		out, v := appendJSON(dst, payload)
		if v == carried {
			return out, true
		}
		if v == notJSON && mode == messages.PayloadJSON {
			return appendBin(dst, payload), false
		}
	}
	return append(appendStrHead(dst, len(payload)), payload...), true
}
