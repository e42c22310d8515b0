package layer_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/golden"
)

// notPython lists the vectors of messages that Python packs or unpacks and we
// do not, or the other way round, each with its reason.
var notPython = map[string]string{
	"bytes key":                 "messages.Map has text keys only",
	"bin key":                   "messages.Map has text keys only; unequal to the text key in Python, so no command either",
	"bin key named type":        "as bin key",
	"str and bin key both kept": "as bin key",
	"ext":                       "no command has ext types; refused with a clear error",
	"timestamp32":               "as ext",
	"timestamp64":               "as ext",
	"timestamp96":               "as ext",
	"ext1 code 42":              "as ext",
	"ext8 empty":                "as ext",
	"ext32":                     "as ext",
	"timestamp 32":              "as ext",
	"timestamp 64":              "as ext",
	"timestamp 96":              "as ext",
	"top is int":                "unpackb takes it, channels_redis then fails: a message is a map",
	"top is list":               "as top is int",
	"top is str":                "as top is int",
	"top is nil":                "as top is int",
}

// unpackable are the values that cannot be said in messages.Value at all, so
// that our encoder is never asked.
var unpackable = map[string]bool{
	"int keys": true, "float bool none keys": true, "tuple key": true, "bytes key": true,
	"int 2**64": true, "int -2**63-1": true, "lone surrogate": true, "surrogate pair as two": true,
	"set": true, "datetime naive": true, "datetime aware": true, "decimal": true, "uuid": true, "complex": true,
	"ext": true, "timestamp32": true, "timestamp64": true, "timestamp96": true,
}

type serializerRow struct {
	Name   string
	Value  *golden.Value
	Note   string `json:"value_note"`
	Encode struct {
		B64, SHA256, Error string
		Len                int
	}
	Decode json.RawMessage
}

type depthRow struct {
	Format, Kind   string
	Levels         int `json:"levels_below_top_map"`
	Encode, Decode json.RawMessage
}

type decodeRow struct {
	Name, B64, Error string
	Value            *golden.Value
}

type serializerFile struct {
	Msgpack, JSON []serializerRow
	Depth         []depthRow
	MsgpackDecode []decodeRow `json:"msgpack_decode"`
	JSONDecode    []decodeRow `json:"json_decode"`
}

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	var file serializerFile
	golden.Load(t, "serializer.json", &file)
	for _, row := range file.Msgpack {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			m, ok := bigMessage(row.Name)
			if row.Value != nil {
				v, err := row.Value.Value()
				if errors.Is(err, golden.ErrForeign) && unpackable[row.Name] {
					checkForeign(t, row)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				m, ok = v.(messages.Map)
			}
			if !ok || unpackable[row.Name] {
				t.Fatalf("value is %v, listed as unpackable %v", ok, unpackable[row.Name])
			}
			body, err := layer.AppendMessage(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			checkBody(t, row, body)
			back, err := layer.DecodeMessage(string(body))
			if err != nil || dump(back) != dump(m) {
				t.Errorf("reading it back: %v, %.300s", err, dump(back))
			}
		})
	}
}

// checkForeign checks that what Python alone can write is refused when read,
// and not read as another.
func checkForeign(t *testing.T, row serializerRow) {
	if row.Encode.B64 == "" {
		return
	}
	body, _ := base64.StdEncoding.DecodeString(row.Encode.B64)
	if m, err := layer.DecodeMessage(string(body)); err == nil {
		t.Errorf("was read as %s", dump(m))
	}
	if notPython[row.Name] == "" && !strings.Contains(string(row.Decode), `"error"`) {
		t.Error("Python reads this, and no reason is given why we do not")
	}
}

func checkBody(t *testing.T, row serializerRow, body []byte) {
	if row.Encode.B64 != "" {
		if got := base64.StdEncoding.EncodeToString(body); got != row.Encode.B64 {
			t.Errorf("packed\n %s, want\n %s", got, row.Encode.B64)
		}
		return
	}
	sum := sha256.Sum256(body)
	if hex.EncodeToString(sum[:]) != row.Encode.SHA256 || len(body) != row.Encode.Len {
		t.Errorf("packed %d bytes with another sum, want %d", len(body), row.Encode.Len)
	}
}

// bigMessage makes the messages that are too long to stand in the file.
func bigMessage(name string) (messages.Map, bool) {
	typed := func(typ string, v any) (messages.Map, bool) {
		return messages.Map{{Key: "type", Value: typ}, {Key: "v", Value: v}}, true
	}
	zs := strings.Repeat("z", 65536)
	zeros := func(n int) []any {
		list := make([]any, n)
		for i := range list {
			list[i] = int64(0)
		}
		return list
	}
	switch name {
	case "str 65536":
		return typed("s", zs)
	case "bin 256 and 65536":
		return typed("s", []any{[]byte(zs[:255]), []byte(zs[:256]), []byte(zs)})
	case "list sizes":
		return typed("l", []any{zeros(0), zeros(15), zeros(16), zeros(65536)})
	case "map 65536":
		m := make(messages.Map, 65536)
		for i := range m {
			m[i] = messages.Pair{Key: fmt.Sprintf("k%05d", i), Value: int64(0)}
		}
		return m, true
	}
	return nil, false
}

func TestGoldenDepth(t *testing.T) {
	t.Parallel()
	var file serializerFile
	golden.Load(t, "serializer.json", &file)
	ok := func(raw json.RawMessage) bool { return string(raw) == `"ok"` }
	for _, row := range file.Depth {
		if row.Format != "msgpack" {
			continue // see TestGoldenJSONDepth
		}
		var v any = int64(1)
		head := "\x91"
		for range row.Levels {
			if row.Kind == "list" {
				v = []any{v}
			} else {
				v, head = messages.Map{{Key: "k", Value: v}}, "\x81\xa1k"
			}
		}
		_, err := layer.AppendMessage(nil, messages.Map{{Key: "type", Value: "x"}, {Key: "v", Value: v}})
		if (err == nil) != ok(row.Encode) {
			t.Errorf("packing %d levels of %s: %v, Python: %s", row.Levels, row.Kind, err, row.Encode)
		}
		_, err = layer.DecodeMessage("\x82\xa4type\xa1x\xa1v" + strings.Repeat(head, row.Levels) + "\x01")
		if (err == nil) != ok(row.Decode) {
			t.Errorf("unpacking %d levels of %s: %v, Python: %s", row.Levels, row.Kind, err, row.Decode)
		}
	}
}

func TestGoldenDecode(t *testing.T) {
	t.Parallel()
	var file serializerFile
	golden.Load(t, "serializer.json", &file)
	for _, row := range file.MsgpackDecode {
		body, _ := base64.StdEncoding.DecodeString(row.B64)
		m, err := layer.DecodeMessage(string(body))
		switch {
		case row.Value == nil || notPython[row.Name] != "":
			if err == nil {
				t.Errorf("%s: read as %s, want refused", row.Name, dump(m))
			}
		case err != nil:
			t.Errorf("%s: %v", row.Name, err)
		case dump(m) != dump(row.Value.Map(t)):
			t.Errorf("%s: %s, want %s", row.Name, dump(m), dump(row.Value.Map(t)))
		}
	}
}

// TestGoldenJSON reads json.loads's vectors as payloads. Those were made from
// bytes, where json.loads also guesses UTF-16, UTF-32 and a byte order mark; a
// payload is read as UTF-8 text, which takes none of them.
func TestGoldenJSON(t *testing.T) {
	t.Parallel()
	asText := map[string]string{
		"\xef\xbb\xbf{\"v\": 1}": "begins with a byte order mark",
		`{"v": "\ud800"}`:        "lone surrogate",
	}
	beyond := map[string]string{ // 64 bits
		`{"v": 18446744073709551616}`:              "18446744073709551616",
		`{"v": ` + strings.Repeat("9", 4300) + "}": strings.Repeat("9", 4300),
		`{"v": ` + strings.Repeat("9", 4301) + "}": strings.Repeat("9", 4301),
	}
	var file serializerFile
	golden.Load(t, "serializer.json", &file)
	for _, row := range file.JSONDecode {
		payload, _ := base64.StdEncoding.DecodeString(row.B64)
		packed, _ := layer.AppendPayload([]byte("\x81\xa1p"), payload, messages.PayloadAuto)
		m, err := layer.DecodeMessage(string(packed))
		if err != nil {
			t.Errorf("%.60q: %v", payload, err)
			continue
		}
		var want any = string(payload)
		_, isText := asText[string(payload)]
		digits, isBig := beyond[string(payload)]
		switch {
		case isBig:
			want = messages.Map{{Key: "v", Value: digits}}
		case (!utf8.Valid(payload) || strings.Contains(string(payload), "\x00")) && !isText:
			continue // UTF-16 and UTF-32, or bytes: see TestPayload
		case row.Value != nil && !isText:
			if want, err = row.Value.Value(); err != nil {
				t.Errorf("%.60q: %v", payload, err)
			}
		}
		if dump(m[0].Value) != dump(want) {
			t.Errorf("%.60q: %s, want %s", payload, dump(m[0].Value), dump(want))
		}
	}
}
