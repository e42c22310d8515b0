package command

import (
	"math"
	"slices"
	"strings"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/python"
)

// fields reads the keys of one dict and keeps the first fault, so that a
// command is decoded straight on and asks once at the end.
type fields struct {
	in    messages.Map
	where string // "publish." inside of publish
	err   *Error

	reserved func(channel string) error // see Decoder
}

// only finds the keys that are not among those known.
func (f *fields) only(known ...string) {
	for _, p := range f.in {
		if !slices.Contains(known, p.Key) {
			f.reject(UnknownKey, plain(p.Key), "there is no such key; there are %s", strings.Join(known, ", "))
		}
	}
}

// reject keeps a fault of a key if it is the first.
func (f *fields) reject(code, key, format string, args ...any) {
	if f.err == nil {
		f.err = fail(code, f.where+key, format, args...)
	}
}

// wrongType rejects a value; got says what it is, where that may be said.
func (f *fields) wrongType(key, want, got string) {
	f.reject(BadType, key, "must be %s, not %s", want, got)
}

// has tells whether the key is there, and rejects its absence.
func (f *fields) has(key string) bool {
	_, ok := f.in.Get(key)
	if !ok {
		f.reject(MissingKey, key, "this key is missing")
	}
	return ok
}

// optional reads a value of a type that Go and Python share. show says what a
// value of another type was.
func optional[T any](f *fields, key, want string, otherwise T, show func(messages.Value) string) T {
	v, ok := f.in.Get(key)
	if !ok {
		return otherwise
	}
	t, ok := v.(T)
	if !ok {
		f.wrongType(key, want, show(v))
		return otherwise
	}
	return t
}

func (f *fields) text(key, otherwise string) string {
	return optional(f, key, "a str", otherwise, shown)
}

func (f *fields) flag(key string, otherwise bool) bool {
	return optional(f, key, "True or False", otherwise, shown)
}

// bytes and dict show no value, since it may hold a payload.
func (f *fields) bytes(key string) []byte {
	return optional[[]byte](f, key, "bytes", nil, python.TypeName)
}

func (f *fields) dict(key string) messages.Map {
	return optional[messages.Map](f, key, "a dict", nil, python.TypeName)
}

// number reads an int from 0 to most; what says that in words.
func (f *fields) number(key, what string, most int64, otherwise int64) int64 {
	v, ok := f.in.Get(key)
	if !ok {
		return otherwise
	}
	switch n := v.(type) {
	case int64:
		if n >= 0 && n <= most {
			return n
		}
		f.reject(BadValue, key, "must be %s, not %d", what, n)
	case uint64: // above the range of int64
		f.reject(BadValue, key, "must be %s, not %d", what, n)
	default:
		f.wrongType(key, what, shown(v))
	}
	return otherwise
}

// seconds reads a length of time in seconds, to the nanosecond; what says the
// bounds in words.
func (f *fields) seconds(key, what string, least, most, otherwise time.Duration) time.Duration {
	v, ok := f.in.Get(key)
	if !ok {
		return otherwise
	}
	var n float64
	switch v := v.(type) {
	case int64:
		n = float64(v)
	case uint64:
		n = float64(v)
	case float64:
		n = v
	default:
		f.wrongType(key, what, shown(v))
		return otherwise
	}
	if !(n >= least.Seconds() && n <= most.Seconds()) { // nor NaN
		f.reject(BadValue, key, "must be %s, not %s", what, python.Str(v))
		return otherwise
	}
	return time.Duration(math.Round(n * float64(time.Second)))
}

func (f *fields) qos(otherwise int64) byte {
	return byte(f.number("qos", "0, 1 or 2 (an int)", 2, otherwise))
}

// checked reads text that a check must accept; where it does not, code is the
// fault.
func (f *fields) checked(key, code string, check func(string) error) string {
	s := f.text(key, "")
	if _, ok := f.in.Get(key); !ok || f.err != nil {
		return s
	}
	if err := check(s); err != nil {
		f.reject(code, key, "%s is refused: %v", quote(s), err)
	}
	return s
}

// oneOf reads text that must be among the choices.
func (f *fields) oneOf(key string, choices ...string) string {
	s := f.text(key, choices[0])
	if !slices.Contains(choices, s) {
		f.reject(BadValue, key, "must be one of %q, not %s", choices, quote(s))
	}
	return s
}

// unsupported rejects what is right but cannot be done yet.
func (f *fields) unsupported(key, what string) {
	f.reject(Unsupported, key, "%s is not supported by this version", what)
}
