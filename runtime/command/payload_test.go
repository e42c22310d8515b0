package command_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/command"
	"chanmqttproxy/test/kit"
)

// payloadOf is what a publish of the value carries.
func payloadOf(t *testing.T, v messages.Value) []byte {
	t.Helper()
	got, err := command.Decoder{}.Decode(publish("topic", "a", "payload", v))
	if err != nil {
		t.Fatalf("%#v: %v", v, err)
	}
	return got.(messages.PublishCommand).Message.Payload
}

func TestPayload(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value messages.Value
		want  string
	}{
		{nil, ""},
		{"", ""},
		{"grün 日本\x00", "grün 日本\x00"},
		{[]byte{0, 0xff}, "\x00\xff"},
		{true, "True"},
		{false, "False"},
		{int64(7), "7"},
		{int64(math.MinInt64), "-9223372036854775808"},
		{uint64(math.MaxUint64), "18446744073709551615"},
		{1.5, "1.5"},
		{100000.0, "100000.0"},
		{1e22, "1e+22"},
		{1e16, "1e+16"},
		{1e15, "1000000000000000.0"},
		{1e-5, "1e-05"},
		{1e-4, "0.0001"},
		{math.Copysign(0, -1), "-0.0"},
		{math.Inf(-1), "-inf"},
		{math.NaN(), "nan"},
		{dict(), "{}"},
		{[]any{}, "[]"},
		{dict("z", int64(1), "a", []any{true, nil, 2.0, math.NaN(), math.Inf(1), math.Inf(-1)}),
			`{"z": 1, "a": [true, null, 2.0, NaN, Infinity, -Infinity]}`},
		{[]any{"\"\\/\n\r\t\b\f\x00\x1f\x7f\u2028é😀"}, `["\"\\/\n\r\t\b\f\u0000\u001f` + "\x7f\u2028é😀" + `"]`},
	} {
		if got := string(payloadOf(t, test.value)); got != test.want {
			t.Errorf("%#v: %q, want %q", test.value, got, test.want)
		}
	}
}

// reference reads one Python expression a line and writes, in hex, what the
// payload of such a value is.
const reference = `
import json, struct, sys
def f(bits): return struct.unpack(">d", struct.pack(">Q", bits))[0]
for line in sys.stdin:
    v = eval(line)
    text = json.dumps(v, ensure_ascii=False) if isinstance(v, (dict, list)) else "" if v is None else v if isinstance(v, str) else str(v)
    print(text.encode().hex())
`

// TestPayloadAsPython compares payloads with those that Python makes.
func TestPayloadAsPython(t *testing.T) {
	t.Parallel()
	python := kit.Need(t, "python3")
	values := corpus()
	var script bytes.Buffer
	for _, v := range values {
		fmt.Fprintln(&script, expression(v))
	}
	cmd := exec.Command(python, "-c", reference)
	cmd.Stdin = &script
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running python3: %v", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(values) {
		t.Fatalf("python3 wrote %d payloads of %d", len(lines), len(values))
	}
	for i, v := range values {
		if got := hex.EncodeToString(payloadOf(t, v)); got != lines[i] {
			want, _ := hex.DecodeString(lines[i])
			t.Errorf("%s: %q, want %q", expression(v), payloadOf(t, v), want)
		}
	}
}

// corpus are floats about every border of their notation, every character that
// may be escaped, and pseudo-random values.
func corpus() []messages.Value {
	var values []messages.Value
	for exponent := -330; exponent <= 310; exponent++ {
		f := math.Pow(10, float64(exponent))
		values = append(values, f, -f*1.5, math.Nextafter(f, 0), math.Nextafter(f, math.Inf(1)))
	}
	for r := range rune(0x300) {
		values = append(values, []any{string(r)})
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		values = append(values, random(rng, 4))
	}
	return values
}

func random(rng *rand.Rand, depth int) messages.Value {
	kinds := 6
	if depth > 0 {
		kinds = 8
	}
	switch rng.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return rng.IntN(2) == 0
	case 2:
		return int64(rng.Uint64()) >> rng.IntN(64)
	case 3:
		return rng.Uint64() | 1<<63
	case 4:
		return math.Float64frombits(rng.Uint64())
	case 5:
		return randomText(rng)
	case 6:
		list := []any{}
		for range rng.IntN(4) {
			list = append(list, random(rng, depth-1))
		}
		return list
	default:
		m := messages.Map{}
		for i := range rng.IntN(4) {
			m = append(m, messages.Pair{Key: randomText(rng) + fmt.Sprint(i), Value: random(rng, depth-1)})
		}
		return m
	}
}

func randomText(rng *rand.Rand) string {
	var text strings.Builder
	for range rng.IntN(6) {
		most := []int{0x20, 0x80, 0x3000, 0x10ffff}[rng.IntN(4)]
		r := rune(rng.IntN(most))
		if r >= 0xd800 && r < 0xe000 { // a surrogate
			r = '"'
		}
		text.WriteRune(r)
	}
	return text.String()
}

// expression is the value as Python source.
func expression(v messages.Value) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case float64:
		return fmt.Sprintf("f(%d)", math.Float64bits(v))
	case string:
		var text strings.Builder
		for _, r := range v {
			fmt.Fprintf(&text, `\U%08x`, r)
		}
		return `"` + text.String() + `"`
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, expression(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case messages.Map:
		var parts []string
		for _, p := range v {
			parts = append(parts, expression(p.Key)+": "+expression(p.Value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return fmt.Sprint(v)
	}
}
