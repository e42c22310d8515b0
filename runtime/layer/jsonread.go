package layer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"chanmqttproxy/messages"
)

var (
	errNotJSON   = errors.New("it is not JSON")
	errUncarried = errors.New("it holds an integer beyond 64 bits or half of a surrogate pair")
)

// decodeJSON reads one JSON message as Python's json.loads does with bytes: also
// in UTF-16 and UTF-32, and with a byte order mark; NaN and Infinity are
// numbers; of a key that comes twice the last value wins. Stricter than Python it
// refuses a top that is not an object, integers beyond 64 bits, surrogates
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

// utf8Text finds out how JSON is encoded, by its first bytes, as Python's
// json.detect_encoding does, and gives it in UTF-8.
func utf8Text(b []byte) ([]byte, error) {
	if text, ok := bytes.CutPrefix(b, []byte("\xef\xbb\xbf")); ok {
		return validText(text)
	}
	width, order, skip := encoding(b)
	switch width {
	case 2:
		return fromUTF16(b[skip:], order)
	case 4:
		return fromUTF32(b[skip:], order)
	}
	return validText(b)
}

func validText(b []byte) ([]byte, error) {
	if !utf8.Valid(b) {
		return nil, errText
	}
	return b, nil
}

// encoding is the width of a unit in bytes, their order, and how many bytes a
// byte order mark takes.
func encoding(b []byte) (width int, order binary.ByteOrder, skip int) {
	big, little := binary.ByteOrder(binary.BigEndian), binary.ByteOrder(binary.LittleEndian)
	starts := func(s string) bool { return strings.HasPrefix(string(b[:min(len(b), 4)]), s) }
	switch {
	case starts("\x00\x00\xfe\xff"):
		return 4, big, 4
	case starts("\xff\xfe\x00\x00"):
		return 4, little, 4
	case starts("\xfe\xff"):
		return 2, big, 2
	case starts("\xff\xfe"):
		return 2, little, 2
	}
	return encodingOfZeros(b)
}

// encodingOfZeros tells by the zeros among the first bytes, which are of ASCII
// characters.
func encodingOfZeros(b []byte) (width int, order binary.ByteOrder, skip int) {
	switch {
	case len(b) >= 4 && b[0] == 0 && b[1] != 0:
		return 2, binary.BigEndian, 0
	case len(b) >= 4 && b[0] == 0:
		return 4, binary.BigEndian, 0
	case len(b) >= 4 && b[1] == 0 && (b[2] != 0 || b[3] != 0):
		return 2, binary.LittleEndian, 0
	case len(b) >= 4 && b[1] == 0:
		return 4, binary.LittleEndian, 0
	case len(b) == 2 && b[0] == 0:
		return 2, binary.BigEndian, 0
	case len(b) == 2 && b[1] == 0:
		return 2, binary.LittleEndian, 0
	}
	return 1, nil, 0
}

func fromUTF16(b []byte, order binary.ByteOrder) ([]byte, error) {
	if len(b)%2 != 0 {
		return nil, errText
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(units); i++ {
		r := rune(units[i])
		if utf16.IsSurrogate(r) {
			if i++; i == len(units) {
				return nil, errText
			}
			if r = utf16.DecodeRune(r, rune(units[i])); r == utf8.RuneError {
				return nil, errText
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

func fromUTF32(b []byte, order binary.ByteOrder) ([]byte, error) {
	if len(b)%4 != 0 {
		return nil, errText
	}
	out := make([]byte, 0, len(b))
	for ; len(b) > 0; b = b[4:] {
		r := order.Uint32(b)
		if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
			return nil, errText
		}
		out = utf8.AppendRune(out, rune(r))
	}
	return out, nil
}
