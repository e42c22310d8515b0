package layer

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"chanmqttproxy/messages"
)

var (
	errNotJSON   = errors.New("it is not JSON")
	errUncarried = errors.New("it holds an integer beyond 64 bits or half of a surrogate pair")
)

// decodeJSON reads one JSON message in UTF-8 as Python's json.loads does: NaN and
// Infinity are numbers; of a key that comes twice the last value wins. Stricter than Python
// it refuses a top that is not an object, integers beyond 64 bits, surrogates
// without their other half, more than 500 containers inside each other, and more
// than so many elements, if that is not 0. Errors tell no content.
func decodeJSON(body string, elements int) (messages.Map, error) {
	text, err := utf8Text([]byte(body))
	if err == nil {
		p := jsonParser{in: text, counted: elementCount{most: elements}}
		switch p.document() {
		case carried:
			return jsonTop(string(p.out), len(body))
		case notJSON:
			err = fmt.Errorf("at byte %d: %w", min(p.at, len(text)), errNotJSON)
		case uncarried:
			switch {
			case p.tooDeep:
				err = errDepth
			case p.tooMany != nil:
				err = p.tooMany
			default:
				err = errUncarried
			}
		}
	}
	return nil, fmt.Errorf("reading a layer message of %d bytes as JSON: %w", len(body), err)
}

// jsonTop takes the msgpack form of a message. Where depth or size are beyond
// what it takes it says so.
func jsonTop(packed string, size int) (messages.Map, error) {
	if packed[0]&0xf0 != 0x80 && packed[0] != 0xde && packed[0] != 0xdf {
		return nil, fmt.Errorf("reading a layer message of %d bytes as JSON: the top is not an object", size)
	}
	return DecodeMessage(packed)
}

// utf8Text is JSON in UTF-8, with or without a byte order mark. Python's json.loads(bytes)
// also guesses UTF-16 and UTF-32 by their zeros or marks. Nobody writes them here:
// channels_redis's JSON serializer has json.dumps, whose text it encodes as UTF-8. They are
// refused as any other bytes are that are no UTF-8 or no JSON.
func utf8Text(b []byte) ([]byte, error) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(b) {
		return nil, errText
	}
	return b, nil
}
