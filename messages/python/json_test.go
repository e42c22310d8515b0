package python_test

import (
	"errors"
	"math"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/python"
)

// What json.dumps and str() of Python 3.13 wrote.
func TestJSON(t *testing.T) {
	t.Parallel()
	cases := []struct {
		value       messages.Value
		ascii, utf8 string
	}{
		{nil, `null`, `null`},
		{true, `true`, `true`},
		{int64(math.MinInt64), `-9223372036854775808`, `-9223372036854775808`},
		{uint64(math.MaxUint64), `18446744073709551615`, `18446744073709551615`},
		{7, `7`, `7`},
		{1e22, `1e+22`, `1e+22`},
		{1e15, `1000000000000000.0`, `1000000000000000.0`},
		{0.0001, `0.0001`, `0.0001`},
		{0.00001, `1e-05`, `1e-05`},
		{math.Copysign(0, -1), `-0.0`, `-0.0`},
		{[]any{math.NaN(), math.Inf(1), math.Inf(-1)}, `[NaN, Infinity, -Infinity]`, `[NaN, Infinity, -Infinity]`},
		{"ä\"\\\b\f\n\r\t\x01\x7f😀\u2028", "\"\\u00e4\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f\\ud83d\\ude00\\u2028\"", "\"ä\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f😀\u2028\""},
		{messages.Map{{Key: "a", Value: []any{}}, {Key: "ü", Value: messages.Map{}}}, `{"a": [], "\u00fc": {}}`, `{"a": [], "ü": {}}`},
	}
	for _, c := range cases {
		for want, j := range map[string]python.JSON{c.ascii: {ASCII: true}, c.utf8: {}} {
			if got, err := j.Append([]byte("x"), c.value); string(got) != "x"+want || err != nil {
				t.Errorf("%v with %+v is %s (%v), want %s", c.value, j, got, err, want)
			}
		}
	}
}

func TestJSONOpen(t *testing.T) {
	t.Parallel()
	got, err := python.JSON{Base64: true}.AppendOpen(nil, messages.Map{{Key: "a", Value: []byte{255}}, {Key: "b", Value: int64(1)}})
	if want := `{"a": "/w==", "b": 1`; string(got) != want || err != nil {
		t.Errorf("%s (%v), want %s", got, err, want)
	}
}

func TestJSONErrors(t *testing.T) {
	t.Parallel()
	deep := messages.Value("x")
	for range 600 {
		deep = []any{deep}
	}
	for value, want := range map[*messages.Value]error{
		ptr([]any{[]byte("a")}): python.ErrBytes,
		ptr("\xff"):             python.ErrText,
		&deep:                   python.ErrDepth,
	} {
		if _, err := (python.JSON{}).Append(nil, *value); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

func ptr(v messages.Value) *messages.Value { return &v }

func TestStr(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]messages.Value{
		"True": true, "False": false, "-7": int64(-7), "1.5": 1.5, "1e+22": 1e22, "nan": math.NaN(), "-inf": math.Inf(-1),
		"None": nil, "dict": messages.Map{}, "bytes": []byte{}, "list": []any{}, "str": "x",
	} {
		if got := python.Str(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}
