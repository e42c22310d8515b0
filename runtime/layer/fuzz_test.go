package layer_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/golden"
)

// FuzzDecode reads anything. What can be read can be packed and read again, to
// the same value.
func FuzzDecode(f *testing.F) {
	var file serializerFile
	golden.Load(f, "serializer.json", &file)
	for _, row := range file.MsgpackDecode {
		body, _ := base64.StdEncoding.DecodeString(row.B64)
		f.Add(string(body))
	}
	for _, row := range file.Msgpack {
		body, _ := base64.StdEncoding.DecodeString(row.Encode.B64)
		f.Add(string(body))
	}
	f.Fuzz(func(t *testing.T, body string) {
		checkHead(t, layer.Config{}, body)
		m, err := layer.DecodeMessage(body)
		if err != nil {
			return
		}
		packed, err := layer.AppendMessage(nil, m)
		if err != nil {
			if !strings.Contains(err.Error(), "nested") {
				t.Fatalf("packing what was read: %v", err)
			}
			return
		}
		if len(packed) > len(body) {
			// Only float32 grows.
			if bytes.IndexByte([]byte(body), 0xca) < 0 {
				t.Errorf("%d bytes became %d", len(body), len(packed))
			}
		}
		again, err := layer.DecodeMessage(string(packed))
		if err != nil || dump(again) != dump(m) {
			t.Errorf("%s became %s: %v", dump(m), dump(again), err)
		}
	})
}

// checkHead: what is read of a message without decoding it is what decoding reads, and
// a limit refuses what is above it and nothing else.
func checkHead(t *testing.T, c layer.Config, body string) {
	t.Helper()
	head := layer.Head(c, body)
	m, err := c.DecodeBody(body)
	if err != nil {
		return
	}
	for _, key := range []string{"type", "reply_channel", "id"} {
		v, _ := m.Get(key)
		want, _ := v.(string)
		v, _ = head.Get(key)
		if got, _ := v.(string); got != want && want != "" {
			t.Errorf("%s is %q, decoded it is %q", key, got, want)
		}
	}
	n := elements(m) // without what comes twice
	if c.MaxElements = n - 1; n > 1 {
		if _, err := c.DecodeBody(body); err == nil {
			t.Errorf("a message of %d elements, where %d may be", n, c.MaxElements)
		}
	}
	c.MaxElements = len(body)
	if _, err := c.DecodeBody(body); err != nil {
		t.Errorf("a message of %d elements in %d bytes: %v", n, len(body), err)
	}
}

func elements(v messages.Value) int {
	n := 1
	switch v := v.(type) {
	case messages.Map:
		for _, p := range v {
			n += 1 + elements(p.Value)
		}
	case []any:
		for _, e := range v {
			n += elements(e)
		}
	}
	return n
}

// FuzzPayload compares with encoding/json, where that agrees with Python.
func FuzzPayload(f *testing.F) {
	for _, seed := range []string{
		`{"a": [1, 2.5, "x\n\u00e9", null, true, {"b": {}}]}`, `"\ud83d\ude00"`, `-0`, `1e5`, `[1e400]`, `"\ud800"`,
		`18446744073709551616`, "", "on", "\xff", `{"a":1,"a":2}`, `NaN`, `-Infinity`, ` [ ] `, `01`, `[[[[]]]]`, "\ufeff{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, ok := asPython(t, payload, messages.PayloadAuto)
		if !ok {
			t.Error("auto cannot fail")
		}
		for mode := range messages.PayloadBytes + 1 {
			asPython(t, payload, mode)
		}
		for _, differs := range []string{"NaN", "Infinity", `\u`} {
			if bytes.Contains(payload, []byte(differs)) {
				return // encoding/json refuses these, or takes lone surrogates
			}
		}
		want, wrong := viaStandard(payload)
		_, isText := got.(string)
		switch {
		case errors.Is(wrong, errDiffers):
		case wrong != nil && isText && got == string(payload):
		case wrong != nil:
			if b, isBytes := got.([]byte); !isBytes || !bytes.Equal(b, payload) {
				t.Errorf("%q: %s, encoding/json: %v", payload, dump(got), wrong)
			}
		case dump(got) != dump(want):
			t.Errorf("%q: %s, encoding/json: %s", payload, dump(got), dump(want))
		}
	})
}

var errDiffers = errors.New("encoding/json cannot tell")

// viaStandard reads a payload with encoding/json, token by token, which keeps
// the order of keys.
func viaStandard(payload []byte) (messages.Value, error) {
	if !json.Valid(payload) || strings.ToValidUTF8(string(payload), "") != string(payload) {
		return nil, errors.New("not JSON")
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	v, err := readValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("trailing data")
	}
	return v, nil
}

func readValue(d *json.Decoder) (messages.Value, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Number:
		return readNumber(v)
	case json.Delim:
		if v == '[' {
			return readList(d)
		}
		return readObject(d)
	default:
		return v, nil
	}
}

func readNumber(n json.Number) (messages.Value, error) {
	if strings.ContainsAny(n.String(), ".eE") {
		f, err := n.Float64()
		if math.IsInf(f, 0) {
			err = nil
		}
		return f, err
	}
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	if u, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
		return u, nil
	}
	return n.String(), nil
}

func readList(d *json.Decoder) (messages.Value, error) {
	list := []any{}
	for d.More() {
		v, err := readValue(d)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}

func readObject(d *json.Decoder) (messages.Value, error) {
	m := messages.Map{}
next:
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := readValue(d)
		if err != nil {
			return nil, err
		}
		for i := range m {
			if m[i].Key == key {
				m[i].Value = v
				continue next
			}
		}
		m = append(m, messages.Pair{Key: key.(string), Value: v})
	}
	_, err := d.Token()
	return m, err
}

// TestDecodeBounded reads inputs that claim to be long. None makes the decoder
// allocate more than a small multiple of what is there.
func TestDecodeBounded(t *testing.T) {
	for _, head := range []string{"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xdd\x00\x00\xff\xff", "\xdc\xff\xff", "\xc6\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff"} {
		body := "\x81\xa1v" + strings.Repeat(head, 1000)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := layer.DecodeMessage(body); err == nil {
			t.Errorf("% x… was read", body[:10])
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("% x…: %d bytes allocated for %d", body[:10], used, len(body))
		}
	}
}

// FuzzStored reads anything as a stored subscription. What can be read is
// written under the same field, and read again as the same.
func FuzzStored(f *testing.F) {
	f.Add(`["group","g","a/+/#"]`, `{"qos":1,"no_local":true,"payload":"json","overflow":"latest","batch":7}`)
	f.Add(`["channel","specific.a!1","ä\u2028"]`, `{"qos":null}`)
	f.Add(`["leaving","x"]`, `[`)
	f.Add(`["refused","x/#"]`, `{"kind":"answered","code":135}`)
	f.Fuzz(func(t *testing.T, field, value string) {
		if r, ok := layer.ParseRefusal(field, value); ok {
			again, written := layer.FormatRefusal(r)
			if same, ok := layer.ParseRefusal(again, written); !ok || again != field || same.Filter != r.Filter || same.Code != r.Code {
				t.Fatalf("%+v became %+v by %q %q", r, same, again, written)
			}
		}
		s, leaving, ok := layer.ParseEntry(field, value)
		if !ok || leaving {
			return
		}
		again, written := layer.FormatEntry(s)
		if again != field {
			t.Fatalf("field %q is written as %q", field, again)
		}
		if same, _, ok := layer.ParseEntry(again, written); !ok || same != s {
			t.Fatalf("%+v became %+v by %q", s, same, written)
		}
	})
}

// FuzzPreview shows anything: in a line of bounded length that a terminal can
// take.
func FuzzPreview(f *testing.F) {
	f.Add(strings.Repeat("x", 12) + "\x82\xa4type\xa1x\xa7publish\x81\xa1\x1b\x01")
	f.Add("short")
	f.Fuzz(func(t *testing.T, member string) {
		shown := layer.Preview(member)
		for _, r := range shown {
			if r < ' ' || r == 0x7f {
				t.Fatalf("%q", shown)
			}
		}
		if len(shown) > 6000 {
			t.Fatalf("%d bytes", len(shown))
		}
	})
}
