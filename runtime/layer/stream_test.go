package layer_test

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/golden"
	"chanmqttproxy/test/kit"
)

// streamsFile holds what the worker writes into streams, for readers in other languages:
// the Python package's tests read it too.
type streamsFile struct {
	Format     string         `json:"format"`
	Group      string         `json:"group"`
	Keys       []string       `json:"encryption_keys"`
	Partitions []streamsTopic `json:"partitions"`
	Entries    []streamsEntry `json:"entries"`
}

// streamsTopic is a topic and its partition by the number of them.
type streamsTopic struct {
	Topic string         `json:"topic_b64"`
	Of    map[string]int `json:"of"`
}

// streamsEntry is the body of an entry and what it says, as JSON; bytes are {"base64": …}.
type streamsEntry struct {
	Name      string `json:"name"`
	Body      string `json:"body_b64"`
	Encrypted string `json:"encrypted"`
	Event     any    `json:"event"`
}

var record = flag.Bool("record-streams", false, "write test/golden/streams.json anew")

// streamsEvents are those that are recorded.
func streamsEvents() map[string]messages.Event {
	expiry, format := uint32(60), byte(1)
	message := func(topic, payload string) *messages.Message {
		return &messages.Message{Topic: topic, Payload: []byte(payload)}
	}
	retained := message("house/hall/lamp", `{"on": true, "level": 0.5}`)
	retained.Retain = true
	properties := message("käse/1", "wärm")
	properties.Properties = &messages.Properties{
		ContentType: "text/plain", ResponseTopic: "re", CorrelationData: []byte{0, 255},
		UserProperties: []messages.UserProperty{{Key: "a", Value: "1"}, {Key: "a", Value: "2"}}, MessageExpiry: &expiry, PayloadFormat: &format,
	}
	return map[string]messages.Event{
		"text":            {Message: message("house/hall/lamp", "on"), QoS: 1},
		"json":            {Message: retained, QoS: 1},
		"bytes":           {Message: message("house/hall/lamp", "on"), QoS: 2, Payload: messages.PayloadBytes},
		"empty":           {Message: message("house/hall/lamp", ""), Payload: messages.PayloadBytes},
		"odd topic":       {Message: message("a/\xff", "1"), QoS: 1, Payload: messages.PayloadText},
		"big number":      {Message: message("n", "123456789012345678901234567890"), QoS: 1},
		"properties":      {Message: properties, QoS: 1},
		"larger than 255": {Message: message("large", strings.Repeat("x", 300)), QoS: 1, Payload: messages.PayloadText},
	}
}

// TestGoldenStreams: what is recorded is what is written, and is read as what it says.
func TestGoldenStreams(t *testing.T) {
	t.Parallel()
	if *record {
		recordStreams(t)
	}
	var file streamsFile
	golden.Load(t, "streams.json", &file)
	if file.Format != layer.StreamFormat {
		t.Errorf("the format is %s", file.Format)
	}
	for _, p := range file.Partitions {
		for n, want := range p.Of {
			var partitions int
			if err := json.Unmarshal([]byte(n), &partitions); err != nil {
				t.Fatal(err)
			}
			if got := kit.StreamPartition(string(plain(t, p.Topic)), partitions); got != want {
				t.Errorf("%s of %s is in %d, want %d", p.Topic, n, got, want)
			}
		}
	}
	events := streamsEvents()
	if len(file.Entries) != len(events) {
		t.Errorf("%d entries are recorded, want %d", len(file.Entries), len(events))
	}
	for _, e := range file.Entries {
		if got := layer.StreamBody(events[e.Name]); got != string(plain(t, e.Body)) {
			t.Errorf("%s is written otherwise: % x", e.Name, got)
		}
		for _, c := range []layer.Config{{}, {EncryptionKeys: file.Keys}} {
			body := string(plain(t, e.Body))
			if len(c.EncryptionKeys) > 0 {
				body = e.Encrypted
			}
			event, err := c.DecodeEntry(body)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := json.Marshal(jsonOf(event))
			if want, _ := json.Marshal(e.Event); string(got) != string(want) {
				t.Errorf("%s is %s, want %s", e.Name, got, want)
			}
		}
	}
}

// jsonOf is a value as it is recorded.
func jsonOf(v messages.Value) any {
	switch v := v.(type) {
	case messages.Map:
		m := map[string]any{}
		for _, p := range v {
			m[p.Key] = jsonOf(p.Value)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = jsonOf(v[i])
		}
		return list
	case []byte:
		return map[string]string{"base64": base64.StdEncoding.EncodeToString(v)}
	}
	return v
}

func recordStreams(t *testing.T) {
	t.Helper()
	file := streamsFile{Format: layer.StreamFormat, Group: "handlers", Keys: []string{"new", "old"}}
	for _, topic := range []string{"house/hall/lamp", "house/1/temperature", "a", "$SYS/broker/uptime", "küche/öfen", "/", "sensors/0001/état", "a/\xff"} {
		p := streamsTopic{base64.StdEncoding.EncodeToString([]byte(topic)), map[string]int{}}
		for _, n := range []string{"1", "3", "4", "8", "256"} {
			var partitions int
			_ = json.Unmarshal([]byte(n), &partitions)
			p.Of[n] = kit.StreamPartition(topic, partitions)
		}
		file.Partitions = append(file.Partitions, p)
	}
	for name, event := range streamsEvents() {
		body := layer.StreamBody(event)
		m, err := layer.Config{}.DecodeEntry(body)
		if err != nil {
			t.Fatal(err)
		}
		file.Entries = append(file.Entries, streamsEntry{
			Name: name, Body: base64.StdEncoding.EncodeToString([]byte(body)), Event: jsonOf(m),
			Encrypted: layer.Encrypt(file.Keys, []byte(body), time.Unix(1_700_000_000, 0), [16]byte{1, 2, 3}),
		})
	}
	b, err := json.Marshal(file)
	if err == nil {
		b, err = golden.Format(b)
	}
	if err == nil {
		err = os.WriteFile("../../test/golden/streams.json", b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Skip("recorded: run the test again")
}

// FuzzGenerations reads anything as the generations of a stream: what can be read is
// bounded, and written the same.
func FuzzGenerations(f *testing.F) {
	f.Add("1:4 2:8")
	f.Add("1:-1 9999999999999999999:1")
	f.Fuzz(func(t *testing.T, text string) {
		again, partitions, ok := layer.Generations(text)
		if !ok {
			return
		}
		if partitions < 1 || partitions > 10_000 {
			t.Fatalf("%q has %d partitions", text, partitions)
		}
		if same, _, ok := layer.Generations(again); !ok || same != again {
			t.Fatalf("%q became %q", again, same)
		}
	})
}

// FuzzLetter shows anything as the dead letter of a stream, in a line that a terminal can
// take.
func FuzzLetter(f *testing.F) {
	f.Add("1-1", "ValueError", layer.StreamBody(messages.Event{Message: &messages.Message{Topic: "a/\x1b"}}))
	f.Add("x", "\x1b\xff", "\x82\xa7message\x81\xa5topic\x01")
	f.Fuzz(func(t *testing.T, id, reason, body string) {
		l := layer.StreamLetter(id, reason, body)
		for _, r := range l.Reason + l.Preview {
			if r < ' ' || r == 0x7f {
				t.Fatalf("%q %q", l.Reason, l.Preview)
			}
		}
	})
}
