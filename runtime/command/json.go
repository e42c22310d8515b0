package command

import (
	"fmt"
	"math"
	"strconv"

	"chanmqttproxy/messages"
)

// appendJSON writes a value as json.dumps(ensure_ascii=False) does.
func appendJSON(b []byte, v messages.Value) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64, uint64:
		return append(b, pythonStr(v)...), nil
	case float64:
		return append(b, jsonFloat(v)...), nil
	case string:
		return appendString(b, v), nil
	case []any:
		return appendList(b, v)
	case messages.Map:
		return appendMap(b, v)
	default:
		return nil, fmt.Errorf("a dict or list is sent as JSON, which cannot hold %s", pythonType(v))
	}
}

// jsonFloat is repr() but for the numbers that JSON does not have.
func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return floatRepr(f)
}

func appendList(b []byte, list []any) (_ []byte, err error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ", "...)
		}
		if b, err = appendJSON(b, v); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendMap(b []byte, m messages.Map) (_ []byte, err error) {
	b = append(b, '{')
	for i, p := range m {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(appendString(b, p.Key), ": "...)
		if b, err = appendJSON(b, p.Value); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendString writes text as Python does: of what is not printable only the
// characters below U+0020 are escaped.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			b = append(b, s[start:i]...)
			b = appendEscape(b, c)
			start = i + 1
		}
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	default:
		return fmt.Appendf(b, `\u%04x`, c)
	}
}
