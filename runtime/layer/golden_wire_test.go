package layer_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/golden"
)

type fernetFile struct {
	Tokens []struct {
		Key, Token string
		Time       int64
		IV         string `json:"iv_b64"`
		Plain      string `json:"plain_b64"`
	}
	Decrypt []struct {
		Name, Error string
		Keys        []string
		Token       string `json:"token_b64"`
		Now         int64
		TTL         int
		Plain       *string `json:"plain_b64"`
	}
	FullMembers []struct {
		Layer, Serializer string
		Keys              []string
		Prefix            int `json:"random_prefix_length"`
		Value             golden.Value
		Member            string `json:"member_b64"`
	} `json:"full_members"`
}

func plain(t *testing.T, b64 string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoldenTokens(t *testing.T) {
	t.Parallel()
	var file fernetFile
	golden.Load(t, "fernet.json", &file)
	for _, row := range file.Tokens {
		got := layer.Encrypt([]string{row.Key}, plain(t, row.Plain), time.Unix(row.Time, 0), [16]byte(plain(t, row.IV)))
		if got != row.Token {
			t.Errorf("token of %q is %s, want %s", row.Plain, got, row.Token)
		}
	}
	for _, row := range file.Decrypt {
		got, err := layer.Decrypt(row.Keys, string(plain(t, row.Token)), time.Duration(row.TTL)*time.Second, time.Unix(row.Now, 0))
		switch {
		case (err == nil) != (row.Error == ""):
			t.Errorf("%s: %v, Python: %q", row.Name, err, row.Error)
		case err == nil && string(got) != string(plain(t, *row.Plain)):
			t.Errorf("%s: decrypted to %q", row.Name, got)
		}
	}
}

// TestGoldenMembers reads whole members as the layer that wrote them does. Those
// of the pub/sub layer are bodies alone.
func TestGoldenMembers(t *testing.T) {
	t.Parallel()
	var file fernetFile
	golden.Load(t, "fernet.json", &file)
	for _, row := range file.FullMembers {
		config := layer.Config{EncryptionKeys: row.Keys, Serializer: row.Serializer}
		member := plain(t, row.Member)
		got, err := layer.ReadBody(config, string(member[row.Prefix:]), time.Unix(1700000000, 0))
		if err != nil || dump(got) != dump(row.Value.Map(t)) {
			t.Errorf("%s %s %q: %s, %v", row.Layer, row.Serializer, row.Keys, dump(got), err)
		}
		body, err := config.EncodeBody(row.Value.Map(t))
		if err != nil || len(body) != len(member)-row.Prefix {
			t.Errorf("%s %s %q: %d bytes, want %d: %v", row.Layer, row.Serializer, row.Keys, len(body), len(member)-row.Prefix, err)
		}
		if row.Keys == nil && string(body) != string(member[row.Prefix:]) {
			t.Errorf("%s %s: %q, want %q", row.Layer, row.Serializer, body, member[row.Prefix:])
		}
	}
}

func TestGoldenRing(t *testing.T) {
	t.Parallel()
	var file struct {
		Rows []struct {
			Name  string
			Index map[int]int
		}
	}
	golden.Load(t, "hash.json", &file)
	for _, row := range file.Rows {
		for n, want := range row.Index {
			if got := layer.Ring(row.Name, n); got != want {
				t.Errorf("%q is on host %d of %d, want %d", row.Name, got, n, want)
			}
		}
	}
	if len(file.Rows) == 0 {
		t.Error("no rows")
	}
}

// TestGoldenCapacity leaves out compiled regular expressions: the setting comes
// as JSON, which has none.
func TestGoldenCapacity(t *testing.T) {
	t.Parallel()
	var file struct {
		Cases []struct {
			Name     string
			Default  int
			Patterns []struct {
				Kind, Pattern string
				Capacity      int
			}
			Results []struct {
				Channel  string
				Capacity int
			}
		}
	}
	golden.Load(t, "capacity.json", &file)
	for _, c := range file.Cases {
		config, expressions := layer.Config{Capacity: c.Default}, map[int]bool{}
		for _, p := range c.Patterns {
			if p.Kind == "regex" {
				expressions[p.Capacity] = true
				continue
			}
			config.Capacities = append(config.Capacities, layer.Pattern{Glob: p.Pattern, Capacity: p.Capacity})
		}
		for _, r := range c.Results {
			if got := layer.CapacityOf(config, r.Channel); got != r.Capacity && !expressions[r.Capacity] {
				t.Errorf("%s: %q has capacity %d, want %d", c.Name, r.Channel, got, r.Capacity)
			}
		}
	}
}

// notPythonJSON lists the vectors of json.loads that we refuse, with the reason.
var notPythonJSON = map[string]string{
	`{"v": 18446744073709551616}`:              "beyond 64 bits",
	`{"v": ` + strings.Repeat("9", 4300) + "}": "beyond 64 bits",
	`{"v": "\ud800"}`:                          "lone surrogate",
	`[]`:                                       "no message: the top is not an object",
	`1`:                                        "no message",
	`null`:                                     "no message",
}

func TestGoldenJSONDecode(t *testing.T) {
	t.Parallel()
	var file serializerFile
	golden.Load(t, "serializer.json", &file)
	for _, row := range file.JSONDecode {
		body := string(plain(t, row.B64))
		got, err := layer.ReadBody(layer.Config{Serializer: layer.JSON}, body, time.Time{})
		otherUTF := strings.Contains(body, "\x00") // 16 or 32, which nobody writes
		switch {
		case row.Value == nil || otherUTF || notPythonJSON[body] != "":
			if err == nil || strings.Contains(err.Error(), "99999") {
				t.Errorf("%.60q: read as %s: %v", body, dump(got), err)
			}
		case err != nil || dump(got) != dump(row.Value.Map(t)):
			t.Errorf("%.60q: %s, %v", body, dump(got), err)
		}
	}
}

// TestGoldenJSONMessages writes what messages.Value can hold as json.dumps does;
// what it cannot hold is refused when it is read.
func TestGoldenJSONMessages(t *testing.T) {
	t.Parallel()
	config := layer.Config{Serializer: layer.JSON}
	var file serializerFile
	golden.Load(t, "serializer.json", &file)
	for _, row := range file.JSON {
		m, ok := bigMessage(row.Name)
		if row.Value != nil {
			v, err := row.Value.Value()
			if m, ok = v.(messages.Map); err != nil {
				checkForeignJSON(t, row)
				continue
			}
		}
		body, err := config.EncodeBody(m)
		if !ok || (err == nil) != (row.Encode.Error == "") {
			t.Errorf("%s: %v, Python: %s", row.Name, err, row.Encode.Error)
			continue
		}
		if err != nil {
			continue
		}
		checkBody(t, row, body)
		back, err := layer.ReadBody(config, string(body), time.Time{})
		if err != nil || dump(back) != dump(m) {
			t.Errorf("%s: reading it back: %v, %.300s", row.Name, err, dump(back))
		}
	}
}

// foreignJSON are the values that JSON carries in another form than Python had
// them, which can be read: keys become text, two halves a whole character.
var foreignJSON = map[string]bool{"int keys": true, "float bool none keys": true, "surrogate pair as two": true}

func checkForeignJSON(t *testing.T, row serializerRow) {
	if row.Encode.B64 == "" {
		return // json.dumps raises
	}
	m, err := layer.ReadBody(layer.Config{Serializer: layer.JSON}, string(plain(t, row.Encode.B64)), time.Time{})
	if (err == nil) != foreignJSON[row.Name] {
		t.Errorf("%s: read as %s, %v", row.Name, dump(m), err)
	}
}

// TestGoldenJSONDepth nests as deeply as we promise, and much deeper. Python's
// limit depends on its stack; ours are that of msgpack for what is written, and
// 500 for what is read.
func TestGoldenJSONDepth(t *testing.T) {
	t.Parallel()
	config := layer.Config{Serializer: layer.JSON}
	var file serializerFile
	golden.Load(t, "serializer.json", &file)
	for _, row := range file.Depth {
		if row.Format != "json" {
			continue
		}
		var v any = int64(1)
		for range row.Levels {
			if v = any([]any{v}); row.Kind == "map" {
				v = messages.Map{{Key: "k", Value: v.([]any)[0]}}
			}
		}
		body, err := config.EncodeBody(messages.Map{{Key: "v", Value: v}})
		if (err == nil) != (row.Levels <= 510) || err == nil && string(row.Encode) != `"ok"` {
			t.Errorf("writing %d levels: %v, Python: %s", row.Levels, err, row.Encode)
		}
		if err != nil {
			body = []byte(`{"v": ` + strings.Repeat("[", row.Levels) + strings.Repeat("]", row.Levels) + "}")
		}
		if _, err := layer.ReadBody(config, string(body), time.Time{}); (err == nil) != (row.Levels < 500) || err == nil && string(row.Decode) != `"ok"` {
			t.Errorf("reading %d levels: %v, Python: %s", row.Levels, err, row.Decode)
		}
	}
}
