// Package golden holds what the real Python libraries (channels_redis 4.3.0,
// channels 4.3.2, msgpack 1.0.3) made of known input: bodies, names, and the
// state of Redis after known calls.
package golden

import (
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"testing"

	"chanmqttproxy/messages"
)

//go:embed *.json
var files embed.FS

// Load reads one file ("serializer.json") into v.
func Load(t testing.TB, name string, v any) {
	t.Helper()
	data, err := files.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatalf("loading golden vectors %s: %v", name, err)
	}
}

// ErrForeign is the error of a Python value for which messages.Value has no
// place: ext types, timestamps, text with lone surrogates, integers beyond 64
// bits, map keys that are not text, and objects.
var ErrForeign = errors.New("no messages.Value holds it")

// Value is a tagged Python value: {"t": type, "v": content}.
type Value struct {
	T    string
	V    json.RawMessage
	Bits string
}

// Value gives the value itself, or ErrForeign.
func (v Value) Value() (messages.Value, error) {
	switch v.T {
	case "nil":
		return nil, nil
	case "bool":
		return decode[bool](v.V)
	case "int":
		return v.integer()
	case "float":
		bits, err := hex.DecodeString(v.Bits)
		if err != nil || len(bits) != 8 {
			return nil, fmt.Errorf("bits %q of a float", v.Bits)
		}
		n, err := strconv.ParseUint(v.Bits, 16, 64)
		return math.Float64frombits(n), err
	case "str":
		return decode[string](v.V)
	case "bytes":
		s, err := decode[string](v.V)
		if err != nil {
			return nil, err
		}
		return base64.StdEncoding.DecodeString(s)
	case "list":
		return v.list()
	case "map":
		return v.dict()
	default:
		return nil, fmt.Errorf("%w: %s", ErrForeign, v.T)
	}
}

// Map gives a value that is a map.
func (v Value) Map(t testing.TB) messages.Map {
	t.Helper()
	m, err := v.Value()
	if err != nil {
		t.Fatalf("golden value: %v", err)
	}
	return m.(messages.Map)
}

// Text gives a value that is a str.
func (v Value) Text(t testing.TB) string {
	t.Helper()
	s, err := v.Value()
	if err != nil {
		t.Fatalf("golden value: %v", err)
	}
	return s.(string)
}

func decode[T any](raw json.RawMessage) (T, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}

func (v Value) integer() (messages.Value, error) {
	s, err := decode[string](v.V)
	if err != nil {
		return nil, err
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: integer %s", ErrForeign, s)
	}
	return n, nil
}

func (v Value) list() (messages.Value, error) {
	items, err := decode[[]Value](v.V)
	if err != nil {
		return nil, err
	}
	list := make([]any, len(items))
	for i, item := range items {
		if list[i], err = item.Value(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (v Value) dict() (messages.Value, error) {
	pairs, err := decode[[][2]Value](v.V)
	if err != nil {
		return nil, err
	}
	m := make(messages.Map, len(pairs))
	for i, p := range pairs {
		key, err := p[0].Value()
		if err != nil {
			return nil, err
		}
		text, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("%w: a map key of type %s", ErrForeign, p[0].T)
		}
		value, err := p[1].Value()
		if err != nil {
			return nil, err
		}
		m[i] = messages.Pair{Key: text, Value: value}
	}
	return m, nil
}
