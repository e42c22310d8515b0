package layer

import (
	"unicode/utf8"

	"chanmqttproxy/messages"
)

// oddities counts what could not be written as it should be: payloads that are not what
// the subscription forces, which are bytes instead, and integers beyond 64 bits in
// payloads, which are text.
type oddities struct{ payloads, numbers int }

func (u *oddities) add(more oddities) {
	u.payloads += more.payloads
	u.numbers += more.numbers
}

// appendPayload appends what Python is to see of an MQTT payload, as msgpack.
//
//   - PayloadAuto: JSON if json.loads takes it, else text if it is valid UTF-8,
//     else bytes. An empty payload is empty text.
//   - PayloadJSON, PayloadText, PayloadBytes: that and nothing else. What is not
//     that is delivered as bytes, and counted.
//
// JSON that msgpack cannot hold (lone surrogates, more than 500 containers inside
// each other) is delivered as its text. Of integers beyond 64 bits each is delivered
// as the text of its digits.
func appendPayload(dst, payload []byte, mode messages.PayloadMode) (out []byte, u oddities) {
	if mode == messages.PayloadBytes {
		return appendBin(dst, payload), oddities{}
	}
	if !utf8.Valid(payload) {
		if mode != messages.PayloadAuto {
			u.payloads = 1
		}
		return appendBin(dst, payload), u
	}
	if mode != messages.PayloadText {
		out, numbers, v := appendJSON(dst, payload)
		if v == carried {
			return out, oddities{numbers: numbers}
		}
		if v == notJSON && mode == messages.PayloadJSON {
			return appendBin(dst, payload), oddities{payloads: 1}
		}
	}
	return append(appendStrHead(dst, len(payload)), payload...), oddities{}
}
