package layer

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"chanmqttproxy/messages"
)

var (
	errText  = errors.New("text is not valid UTF-8")
	errDepth = errors.New("containers nested too deeply")
	errSize  = errors.New("longer than 4 GiB")
)

func appendValue(dst []byte, v messages.Value, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return appendNil(dst), nil
	case bool:
		return appendBool(dst, v), nil
	case int64:
		return appendInt(dst, v), nil
	case int:
		return appendInt(dst, int64(v)), nil
	case uint64:
		return appendUint(dst, v), nil
	case float64:
		return appendFloat(dst, v), nil
	case string:
		return appendText(dst, v)
	case []byte:
		if uint64(len(v)) > math.MaxUint32 {
			return dst, errSize
		}
		return appendBin(dst, v), nil
	case []any:
		return appendList(dst, v, depth+1)
	case messages.Map:
		return appendMap(dst, v, depth+1)
	default:
		return dst, fmt.Errorf("a value of type %T can't be packed", v)
	}
}

func appendText(dst []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return dst, errText
	}
	if uint64(len(s)) > math.MaxUint32 {
		return dst, errSize
	}
	return appendStr(dst, s), nil
}

func appendList(dst []byte, list []any, depth int) ([]byte, error) {
	if depth > maxEncodeDepth {
		return dst, errDepth
	}
	dst = appendArrayHead(dst, len(list))
	var err error
	for i, v := range list {
		if dst, err = appendValue(dst, v, depth); err != nil {
			return dst, fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return dst, nil
}

// appendMap appends m to dst as msgpack, byte for byte as Python's packb would: integers in
// the shortest form, floats in 64 bits, keys in their order. It refuses what a Python reader
// could not read or packb would not write: text that is not valid UTF-8, more than 510
// containers inside each other below m, and values of other types than messages.Value names.
// An error names the place and no content.
func appendMap(dst []byte, m messages.Map, depth int) ([]byte, error) {
	if depth > maxEncodeDepth {
		return dst, errDepth
	}
	return appendPairs(appendMapHead(dst, len(m)), m, depth)
}

func appendPairs(dst []byte, m messages.Map, depth int) ([]byte, error) {
	var err error
	for i, p := range m {
		if dst, err = appendText(dst, p.Key); err != nil {
			return dst, fmt.Errorf("key %d: %w", i, err)
		}
		if dst, err = appendValue(dst, p.Value, depth); err != nil {
			return dst, fmt.Errorf("value %d: %w", i, err)
		}
	}
	return dst, nil
}
