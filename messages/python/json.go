package python

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"chanmqttproxy/messages"
)

// The errors of JSON. They are wrapped with the place of the value.
var (
	ErrBytes = errors.New("bytes, which JSON cannot carry")
	ErrText  = errors.New("text is not valid UTF-8")
	ErrDepth = errors.New("containers nested too deeply")
)

// maxDepth is how many containers may be inside each other below the top.
// Python's limit is that of its stack, somewhat under 1000; this is the one of
// msgpack.
const maxDepth = 510

// JSON writes values as json.dumps does: with a space after commas and colons, and NaN and
// Infinity by name.
type JSON struct {
	// ASCII escapes what is beyond it, as json.dumps does by default. Else only what JSON
	// cannot hold is escaped, as with ensure_ascii=False.
	ASCII bool
	// Base64 writes bytes as their base64, in the standard alphabet with padding. Else they
	// are ErrBytes, as for json.dumps.
	Base64 bool
}

// Append adds a value to dst.
func (j JSON) Append(dst []byte, v messages.Value) ([]byte, error) {
	w := jsonWriter{j, dst}
	err := w.value(v, 0)
	return w.out, err
}

// AppendOpen adds a map without its closing brace to dst.
func (j JSON) AppendOpen(dst []byte, m messages.Map) ([]byte, error) {
	w := jsonWriter{j, dst}
	err := w.open(m, 0)
	return w.out, err
}

type jsonWriter struct {
	JSON
	out []byte
}

// open writes a map without its closing brace.
func (w *jsonWriter) open(m messages.Map, depth int) error {
	if depth > maxDepth {
		return ErrDepth
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

// value writes a value that is so deep.
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
		w.out = appendFloat(w.out, v, "NaN", "Infinity")
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
	if !w.Base64 {
		return ErrBytes
	}
	w.out = append(w.out, '"')
	w.out = base64.StdEncoding.AppendEncode(w.out, b)
	w.out = append(w.out, '"')
	return nil
}

func (w *jsonWriter) list(list []any, depth int) error {
	if depth > maxDepth {
		return ErrDepth
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
		return ErrText
	}
	w.out = append(w.out, '"')
	start := 0
	for i, r := range s {
		if r >= ' ' && r != '"' && r != '\\' && (r <= '~' || !w.ASCII) {
			continue
		}
		w.out = append(w.out, s[start:i]...)
		w.escape(r)
		start = i + utf8.RuneLen(r)
	}
	w.out = append(append(w.out, s[start:]...), '"')
	return nil
}

func (w *jsonWriter) escape(r rune) {
	switch {
	case r == '"' || r == '\\':
		w.out = append(w.out, '\\', byte(r))
	case r < ' ' && strings.ContainsRune("\b\f\n\r\t", r):
		w.out = append(w.out, '\\', "btn-fr"[r-'\b'])
	case r > 0xFFFF:
		high, low := utf16.EncodeRune(r)
		w.out = fmt.Appendf(w.out, `\u%04x\u%04x`, high, low)
	default:
		w.out = fmt.Appendf(w.out, `\u%04x`, r)
	}
}
