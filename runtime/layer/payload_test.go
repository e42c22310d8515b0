package layer_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// asPython is what Python sees of a payload.
func asPython(t testing.TB, payload []byte, mode messages.PayloadMode) (messages.Value, bool) {
	t.Helper()
	packed, ok := layer.AppendPayload([]byte("\x81\xa1p"), payload, mode)
	m, err := layer.DecodeMessage(string(packed))
	if err != nil {
		t.Fatalf("%.80q became msgpack that cannot be read: %v", payload, err)
	}
	return m[0].Value, ok
}

func nested(open, close string, n int) string {
	return strings.Repeat(open, n) + strings.Repeat(close, n)
}

func TestPayload(t *testing.T) {
	t.Parallel()
	const auto, asJSON, text, raw = messages.PayloadAuto, messages.PayloadJSON, messages.PayloadText, messages.PayloadBytes
	m := func(k string, v any) messages.Map { return messages.Map{{Key: k, Value: v}} }
	for _, c := range []struct {
		in   string
		mode messages.PayloadMode
		want any
		bad  bool
	}{
		{in: "", want: ""},
		{in: "", mode: asJSON, want: []byte{}, bad: true},
		{in: "", mode: text, want: ""},
		{in: "", mode: raw, want: []byte{}},
		{in: "on", want: "on"},
		{in: "on", mode: asJSON, want: []byte("on"), bad: true},
		{in: "{}", mode: text, want: "{}"},
		{in: "{}", mode: raw, want: []byte("{}")},
		{in: "\xff\x00", want: []byte("\xff\x00")},
		{in: "\xff", mode: text, want: []byte("\xff"), bad: true},
		{in: "\xff", mode: asJSON, want: []byte("\xff"), bad: true},
		{in: "\"\xff\"", want: []byte("\"\xff\"")},
		{in: "\xed\xa0\x80", want: []byte("\xed\xa0\x80")},

		{in: " \t\r\n{ \"a\" : [ 1 , 2.5 ] } \n", want: m("a", []any{int64(1), 2.5})},
		{in: "{}", want: messages.Map{}},
		{in: "[]", want: []any{}},
		{in: "[ ]", want: []any{}},
		{in: "null", want: nil},
		{in: "[true,false,null]", want: []any{true, false, nil}},
		{in: "nullx", want: "nullx"},
		{in: "tru", want: "tru"},
		{in: `"a"`, want: "a"},
		{in: `"a`, want: `"a`},
		{in: `{"a":1,"b":2,"a":3}`, want: messages.Map{{Key: "a", Value: int64(3)}, {Key: "b", Value: int64(2)}}},
		{in: `{"a":1,}`, want: `{"a":1,}`},
		{in: `[1,]`, want: `[1,]`},
		{in: `[1 2]`, want: `[1 2]`},
		{in: `{"a"}`, want: `{"a"}`},
		{in: `{1:2}`, want: `{1:2}`},
		{in: `{"a":1} x`, want: `{"a":1} x`},
		{in: "\ufeff1", want: "\ufeff1"},
		{in: "\f1", want: "\f1"},
		{in: "[1]\x00", want: "[1]\x00"},
		{in: "{", want: "{"}, {in: "[", want: "["}, {in: `{"a":`, want: `{"a":`},

		{in: "0", want: int64(0)}, {in: "-0", want: int64(0)}, {in: "-0.0", want: math.Copysign(0, -1)},
		{in: "7", want: int64(7)}, {in: "-7", want: int64(-7)}, {in: "01", want: "01"}, {in: "-", want: "-"},
		{in: "+1", want: "+1"}, {in: "1.", want: "1."}, {in: ".5", want: ".5"}, {in: "1e", want: "1e"}, {in: "1e+", want: "1e+"},
		{in: "1.0", want: 1.0}, {in: "1E5", want: 1e5}, {in: "1e-7", want: 1e-7}, {in: "1.5e+3", want: 1500.0},
		{in: "1e999", want: math.Inf(1)}, {in: "-1e999", want: math.Inf(-1)}, {in: "1e-999", want: 0.0},
		{in: "Infinity", want: math.Inf(1)}, {in: "-Infinity", want: math.Inf(-1)}, {in: "-NaN", want: "-NaN"},
		{in: "inf", want: "inf"}, {in: "0x1", want: "0x1"}, {in: "1_0", want: "1_0"},
		{in: "9223372036854775807", want: int64(math.MaxInt64)}, {in: "9223372036854775808", want: uint64(1 << 63)},
		{in: "18446744073709551615", want: uint64(math.MaxUint64)}, {in: "-9223372036854775808", want: int64(math.MinInt64)},
		{in: "18446744073709551616", want: "18446744073709551616"},
		{in: "-9223372036854775809", want: "-9223372036854775809"},
		{in: "[18446744073709551616]", mode: asJSON, want: []any{"18446744073709551616"}},
		{in: `{"a":[-9223372036854775809,1,{"b":` + strings.Repeat("9", 5000) + `}]}`, want: messages.Map{{Key: "a", Value: []any{
			"-9223372036854775809", int64(1), messages.Map{{Key: "b", Value: strings.Repeat("9", 5000)}}}}}},
		{in: ` 18446744073709551616 `, want: "18446744073709551616"},
		{in: `[18446744073709551616,"\ud800"]`, want: `[18446744073709551616,"\ud800"]`},
		{in: "[18446744073709551616] x", mode: asJSON, want: []byte("[18446744073709551616] x"), bad: true},

		{in: `"\"\\\/\b\f\n\r\t"`, want: "\"\\/\b\f\n\r\t"},
		{in: `"x\u00e9\u65E5"`, want: "xé日"}, {in: `"\ud83d\ude00"`, want: "😀"}, {in: `"😀"`, want: "😀"},
		{in: `"\ud800"`, want: `"\ud800"`}, {in: `"\ude00\ud83d"`, want: `"\ude00\ud83d"`},
		{in: `"\ud83dx"`, want: `"\ud83dx"`}, {in: `"\ud83d\n"`, want: `"\ud83d\n"`},
		{in: `{"\ud800":1}`, mode: asJSON, want: `{"\ud800":1}`},
		{in: `"\x"`, want: `"\x"`}, {in: `"\u12"`, want: `"\u12"`}, {in: `"\u12g4"`, want: `"\u12g4"`}, {in: `"\`, want: `"\`},
		{in: `"\u0000"`, want: "\x00"}, {in: "\"\x1f\"", want: "\"\x1f\""}, {in: "\"\\n\x1f\"", want: "\"\\n\x1f\""},
		{in: "\"\x7f\u2028\"", want: "\x7f\u2028"},
		{in: `"` + strings.Repeat("a", 40) + `\n` + strings.Repeat("b", 300) + `"`, want: strings.Repeat("a", 40) + "\n" + strings.Repeat("b", 300)},

		{in: nested("[", "]", 501), want: nested("[", "]", 501)},
		{in: nested("[", "]", 100000), mode: asJSON, want: nested("[", "]", 100000)},
	} {
		got, ok := asPython(t, []byte(c.in), c.mode)
		if dump(got) != dump(c.want) || ok == c.bad {
			t.Errorf("%.60q in mode %d: %.200s, %v, want %.200s", c.in, c.mode, dump(got), ok, dump(c.want))
		}
	}
	if got, _ := asPython(t, []byte(nested("[", "]", 500)), auto); dump(got) == dump(nested("[", "]", 500)) {
		t.Error("500 levels are delivered as text")
	}
}

// TestPayloadSizes goes over the borders of msgpack's heads.
func TestPayloadSizes(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 255, 256, 65535, 65536, 70000} {
		list, object := []any{}, messages.Map{}
		in := bytes.NewBufferString("[")
		for i := range n {
			if i > 0 {
				in.WriteByte(',')
			}
			in.WriteString("-1")
			list = append(list, int64(-1))
		}
		in.WriteString("]")
		if got, _ := asPython(t, in.Bytes(), messages.PayloadAuto); dump(got) != dump(list) {
			t.Errorf("list of %d differs", n)
		}
		in.Reset()
		in.WriteString("{")
		for i := range min(n, 300) {
			if i > 0 {
				in.WriteByte(',')
			}
			key := strings.Repeat("k", i)
			in.WriteString(`"` + key + `":[0]`)
			object = append(object, messages.Pair{Key: key, Value: []any{int64(0)}})
		}
		in.WriteString("}")
		if got, _ := asPython(t, in.Bytes(), messages.PayloadAuto); dump(got) != dump(object) {
			t.Errorf("object of %d differs", n)
		}
		s := strings.Repeat("a", n)
		for text, want := range map[string]string{`"` + s + `"`: s, `"\u0062` + s + `"`: "b" + s} {
			if got, _ := asPython(t, []byte(text), messages.PayloadAuto); got != want {
				t.Errorf("text of %d differs: %.20s", n, text)
			}
		}
		if got, _ := asPython(t, []byte(s), messages.PayloadBytes); !bytes.Equal(got.([]byte), []byte(s)) {
			t.Errorf("bytes of %d differ", n)
		}
	}
}
