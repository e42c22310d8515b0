package layer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"chanmqttproxy/messages"
)

// maxJSONDepth is how many containers may be inside each other below the top.
// Python's limit is that of its stack, somewhat under 1000; this is the one of
// msgpack.
const maxJSONDepth = maxEncodeDepth

var errBytes = errors.New("bytes, which JSON cannot carry")

// jsonWriter writes as Python's json.dumps does by default: ASCII, with a space
// after commas and colons, and NaN and Infinity by name.
type jsonWriter struct {
	out []byte
	// binary: bytes are written as their base64, in the standard alphabet with
	// padding; else they are refused, as json.dumps does.
	binary bool
}

// open writes a map without its closing brace.
func (w *jsonWriter) open(m messages.Map, depth int) error {
	if depth > maxJSONDepth {
		return errDepth
	}
	w.out = append(w.out, '{')
	for i, p := range m {
		if i > 0 {
			w.out = append(w.out, ", "...)
		}
		if err := w.text(p.Key); err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
		w.out = append(w.out, ": "...)
		if err := w.value(p.Value, depth); err != nil {
			return fmt.Errorf("value %d: %w", i, err)
		}
	}
	return nil
}

func (w *jsonWriter) value(v messages.Value, depth int) error {
	switch v := v.(type) {
	case nil:
		w.out = append(w.out, "null"...)
	case bool:
		w.out = strconv.AppendBool(w.out, v)
	case int64:
		w.out = strconv.AppendInt(w.out, v, 10)
	case int:
		w.out = strconv.AppendInt(w.out, int64(v), 10)
	case uint64:
		w.out = strconv.AppendUint(w.out, v, 10)
	case float64:
		w.out = appendFloatRepr(w.out, v)
	case string:
		return w.text(v)
	case []byte:
		return w.bytes(v)
	case []any:
		return w.list(v, depth+1)
	case messages.Map:
		err := w.open(v, depth+1)
		w.out = append(w.out, '}')
		return err
	default:
		return fmt.Errorf("a value of type %T", v)
	}
	return nil
}

func (w *jsonWriter) bytes(b []byte) error {
	if !w.binary {
		return errBytes
	}
	w.out = append(w.out, '"')
	w.out = base64.StdEncoding.AppendEncode(w.out, b)
	w.out = append(w.out, '"')
	return nil
}

func (w *jsonWriter) list(list []any, depth int) error {
	if depth > maxJSONDepth {
		return errDepth
	}
	w.out = append(w.out, '[')
	for i, v := range list {
		if i > 0 {
			w.out = append(w.out, ", "...)
		}
		if err := w.value(v, depth); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	w.out = append(w.out, ']')
	return nil
}

func (w *jsonWriter) text(s string) error {
	if !utf8.ValidString(s) {
		return errText
	}
	w.out = append(w.out, '"')
	for _, r := range s {
		w.rune(r)
	}
	w.out = append(w.out, '"')
	return nil
}

func (w *jsonWriter) rune(r rune) {
	switch {
	case r == '"' || r == '\\':
		w.out = append(w.out, '\\', byte(r))
	case r >= ' ' && r <= '~':
		w.out = append(w.out, byte(r))
	case r < ' ' && strings.ContainsRune("\b\f\n\r\t", r):
		w.out = append(w.out, '\\', "btn-fr"[r-'\b'])
	case r > 0xFFFF:
		high, low := utf16.EncodeRune(r)
		w.out = fmt.Appendf(w.out, `\u%04x\u%04x`, high, low)
	default:
		w.out = fmt.Appendf(w.out, `\u%04x`, r)
	}
}

// appendFloatRepr writes a float as json.dumps does: by repr(), with the fewest
// digits that read back the same and an exponent below 1e-4 and from 1e16 on.
func appendFloatRepr(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if size := math.Abs(f); size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if !strings.Contains(string(dst[start:]), ".") {
		dst = append(dst, ".0"...)
	}
	return dst
}
