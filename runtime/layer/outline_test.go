package layer_test

import (
	"runtime"
	"strings"
	"testing"

	"chanmqttproxy/runtime/layer"
)

// head is what each of the messages below says of itself.
const head = `{"type": "mqtt.publish", "reply_channel": "specific.a!b", "id": "7"}`

// TestHead: of a message that cannot be decoded it can be told what it is and who wants
// an answer, wherever that stands.
func TestHead(t *testing.T) {
	t.Parallel()
	const (
		first = "\xa4type\xacmqtt.publish\xadreply_channel\xacspecific.a!b"
		last  = "\xa2id\xa17"
	)
	odd := map[string]string{
		"integer keys":    "\xa1p\x81\xa1q\x82\x01\x02\x03\x04",
		"ext types":       "\xa1p\x93\xd6\xff\x00\x00\x00\x00\xc7\x03\x05abc\xd8\x010123456789abcdef",
		"no UTF-8":        "\xa1p\xa2\xff\xfe",
		"no UTF-8 in key": "\xa2\xff\xfe\xcb\x00\x00\x00\x00\x00\x00\x00\x00",
		"every width":     "\xa1p\x9b\xcc\x01\xcd\x01\x01\xce\x01\x01\x01\x01\xd0\x01\xd1\x01\x01\xca\x01\x01\x01\x01\xda\x00\x01x\xc5\x00\x01x\xdc\x00\x01\x01\xde\x00\x01\x01\x01\xc8\x00\x01\x01x",
		"very deep":       "\xa1p" + strings.Repeat("\x91", 5000) + "\x01",
		"very many":       "\xa1p\xdd\x00\x0f\x42\x40" + strings.Repeat("\xc0", 1_000_000),
	}
	for name, entry := range odd {
		body := "\x84" + first + entry + last
		wantHead(t, name, layer.Config{MaxElements: 1000}, body, head)
		wantHead(t, name+" and trailing bytes", layer.Config{MaxElements: 1000}, body+"x", head)
	}
	wantHead(t, "truncated", layer.Config{}, "\x83"+first+"\xa2id\xd9\xffx", `{"type": "mqtt.publish", "reply_channel": "specific.a!b"}`)
	wantHead(t, "a length that is not there", layer.Config{}, "\x83"+first+"\xdf\xff\xff\xff\xff\xa1p", `{"type": "mqtt.publish", "reply_channel": "specific.a!b"}`)
	wantHead(t, "no texts", layer.Config{}, "\x83\xa4type\x01\xadreply_channel\xc4\x01x\xa2id\x81\x01\x02", `{}`)
	wantHead(t, "the last one wins", layer.Config{}, "\x83\xa2id\xa16\xa1p\xd4\x01\x01\xa2id\xa17", `{"id": "7"}`)
	for _, body := range []string{"", "\xc1", "\x93\xa2id\xa17", "\xdf", "\xa2id"} {
		wantHead(t, "no dict", layer.Config{}, body, `{}`)
	}
}

// TestHeadOfJSON is the same for the JSON serializer.
func TestHeadOfJSON(t *testing.T) {
	t.Parallel()
	config := layer.Config{Serializer: layer.JSON, MaxElements: 1000}
	for name, payload := range map[string]string{
		"an integer beyond 64 bits": `[18446744073709551616]`,
		"a lone surrogate":          `"\ud800"`,
		"brackets in a text":        `["]}", "\"}"]`,
		"very deep":                 strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"very many":                 "[" + strings.Repeat("null, ", 100_000) + "null]",
		"not quite JSON":            `[01, tru]`,
	} {
		wantHead(t, name, config, `{"type": "mqtt.publish", "reply_channel": "specific.a!b", "publish": {"payload": `+payload+`}, "id": "7"}`, head)
	}
	wantHead(t, "with a lone surrogate", config, `{"type":"mqtt.publish","\ud800":1,"reply_channel":"specific.a!b","id":"\ud800"}`, `{"type": "mqtt.publish", "reply_channel": "specific.a!b"}`)
	wantHead(t, "truncated", config, "\ufeff{\"id\": \"\\u0037\", \"type\": \"mqtt.pub", `{"id": "7"}`)
	wantHead(t, "UTF-16", config, "{\x00\"\x00i\x00d\x00\"\x00:\x00\"\x007\x00\"\x00,\x00", `{}`)
	for _, body := range []string{"", "[", `"id"`, `{`, `{"id"`, `{"id":`, `{"id":}`, `{"id": 7}`, `{"id":"7`, `{"id":["7"]}`, "\xff"} {
		wantHead(t, body, config, body, `{}`)
	}
}

func wantHead(t *testing.T, name string, config layer.Config, body, want string) {
	t.Helper()
	wanted, err := layer.Config{Serializer: layer.JSON}.DecodeBody(want)
	if err != nil {
		t.Fatal(err)
	}
	if got := layer.Head(config, body); dump(got) != dump(wanted) && len(got)+len(wanted) > 0 {
		t.Errorf("%s: %s, want %s", name, dump(got), want)
	}
}

// TestMaxElements: no more is built of a message than may be in it.
func TestMaxElements(t *testing.T) {
	msgpack := func(n int) string {
		return "\x81\xa1p\xdd" + string([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + strings.Repeat("\xc0", n)
	}
	text := func(n int) string { return `{"p": [null` + strings.Repeat(",null", n-1) + `]}` }
	for _, form := range []struct {
		config layer.Config
		body   func(int) string
	}{{layer.Config{}, msgpack}, {layer.Config{Serializer: layer.JSON}, text}} {
		form.config.MaxElements = 1003 // the dict, its key and the list are three
		if _, err := form.config.DecodeBody(form.body(1000)); err != nil {
			t.Errorf("%s: %v", form.config.Serializer, err)
		}
		_, err := form.config.DecodeBody(form.body(1001))
		if err == nil || !strings.Contains(err.Error(), "more than 1003 elements") || !strings.Contains(err.Error(), "COMMAND_MAX_ELEMENTS") {
			t.Errorf("%s: %v", form.config.Serializer, err)
		}
		bomb := form.body(2_000_000)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = form.config.DecodeBody(bomb)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > uint64(len(bomb))+1<<20 {
			t.Errorf("%s: %d bytes were taken for a message of %d: %v", form.config.Serializer, took, len(bomb), err)
		}
	}
}
