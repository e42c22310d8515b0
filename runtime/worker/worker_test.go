package worker_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/command"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/worker"
)

func body(kind any) messages.Map {
	return messages.Map{{Key: "type", Value: kind}, {Key: "reply_channel", Value: "w"}, {Key: "id", Value: "7"}}
}

func answerTo(channel string) messages.Map {
	return messages.Map{{Key: "type", Value: "mqtt.status"}, {Key: "reply_channel", Value: channel}}
}

// decoder is one that decodes in another way.
type decoder struct {
	command.Decoder
	decode func(messages.Map) (messages.Command, error)
}

func (d decoder) Decode(m messages.Map) (messages.Command, error) { return d.decode(m) }

// TestUnderstand: whatever is wrong, its sender can be told.
func TestUnderstand(t *testing.T) {
	t.Parallel()
	unreadable := errors.New("unreadable")
	reply := messages.ReplyTo{Channel: "w", ID: "7"}
	site := worker.DecoderFor(&config.Config{Channel: "mqtt"})
	bug := decoder{site, func(messages.Map) (messages.Command, error) { panic("index out of range") }}
	failing := decoder{site, func(messages.Map) (messages.Command, error) { return nil, unreadable }}
	for name, test := range map[string]struct {
		message layer.Message
		decoder interface {
			Decode(messages.Map) (messages.Command, error)
			Envelope(messages.Map) (string, messages.ReplyTo)
		}
		want messages.Received
	}{
		"a command": {layer.Message{Receipt: "r", Body: body("mqtt.status")}, site,
			messages.Received{Receipt: "r", Command: messages.StatusCommand{ReplyTo: reply}, Type: "mqtt.status", ReplyTo: reply}},
		"no command": {layer.Message{Receipt: "r", Body: body("mqtt_subscribe")}, site,
			messages.Received{Receipt: "r", Code: command.MissingKey, Type: "mqtt.subscribe", ReplyTo: reply}},
		"no message": {layer.Message{Receipt: "r", Fault: unreadable}, site,
			messages.Received{Receipt: "r", Code: messages.CodeBadCommand}},
		"the head of a message": {layer.Message{Receipt: "r", Fault: unreadable, Head: body("mqtt.publish")}, site,
			messages.Received{Receipt: "r", Code: messages.CodeBadCommand, Type: "mqtt.publish", ReplyTo: reply}},
		"an answer to where commands come": {layer.Message{Receipt: "r", Body: answerTo("mqtt")}, site,
			messages.Received{Receipt: "r", Code: command.BadName, Type: "mqtt.status"}},
		"an answer to a group": {layer.Message{Receipt: "r", Body: answerTo(":group:alarms")}, site,
			messages.Received{Receipt: "r", Code: command.BadName, Type: "mqtt.status"}},
		"an answer to a slot": {layer.Message{Receipt: "r", Body: answerTo("mqtt$slot:1")}, site,
			messages.Received{Receipt: "r", Code: command.BadName, Type: "mqtt.status"}},
		"an answer to a consumer": {layer.Message{Receipt: "r", Body: answerTo("mqtt!x")}, site,
			messages.Received{Receipt: "r", Command: messages.StatusCommand{ReplyTo: messages.ReplyTo{Channel: "mqtt!x"}}, Type: "mqtt.status", ReplyTo: messages.ReplyTo{Channel: "mqtt!x"}}},
		"a group's channel of pub/sub": {layer.Message{Receipt: "r", Body: answerTo("asgi__group__alarms")},
			worker.DecoderFor(&config.Config{Layer: config.Layer{PubSub: true, Prefix: "asgi"}}),
			messages.Received{Receipt: "r", Code: command.BadName, Type: "mqtt.status"}},
		"a bug": {layer.Message{Receipt: "r", Body: body("mqtt.publish")}, bug,
			messages.Received{Receipt: "r", Code: messages.CodeBug, Type: "mqtt.publish", ReplyTo: reply}},
		"an error without a code": {layer.Message{Receipt: "r", Body: body("x")}, failing,
			messages.Received{Receipt: "r", Code: messages.CodeBug, Type: "x", ReplyTo: reply}},
	} {
		got := worker.Understand(test.message, test.decoder)
		if (got.Fault == nil) != (got.Command != nil) {
			t.Errorf("%s: the command %v with the fault %v", name, got.Command, got.Fault)
		}
		got.Fault = nil
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// load reads a configuration of a file with this content.
func load(t *testing.T, name, content string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse([]string{"--config=" + path}); err != nil {
		t.Fatal(err)
	}
	return config.Load(config.Input{Flags: flags, Subscription: worker.Subscription})
}

// TestOptions: what is configured reaches the actors.
func TestOptions(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, "c.yaml", `
mqtt_status_group: state
mqtt_allow_subscribe: [house/#, $SYS/#]
mqtt_allow_publish: house/+/set
subscriptions:
  - {topic: house/#, group: house, qos: 1, min_interval: 0.5, retained: send}
`)
	if err != nil {
		t.Fatal(err)
	}
	o := worker.OptionsOf(cfg)
	want := []messages.SubscribeCommand{{
		Filter: "house/#", Targets: []messages.Target{{Name: "house"}}, Retained: true,
		Options: messages.Options{QoS: 1, MinInterval: 500_000_000},
	}}
	if !reflect.DeepEqual(o.Static, want) {
		t.Errorf("%+v, want %+v", o.Static, want)
	}
	if o.StatusGroup != "state" || strings.Join(o.AllowSubscribe, " ") != "house/# $SYS/#" || strings.Join(o.AllowPublish, " ") != "house/+/set" {
		t.Errorf("%q %q %q", o.StatusGroup, o.AllowSubscribe, o.AllowPublish)
	}
}

// TestReadme: the file that runtime/command/README.md shows is taken.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../command/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "<!-- subscriptions -->\n```yaml\n")
	example, _, found := strings.Cut(rest, "```\n<!-- /subscriptions -->")
	if !found {
		t.Fatal("runtime/command/README.md has no example of subscriptions")
	}
	if cfg, err := load(t, "c.yaml", example); err != nil || len(cfg.Subscriptions) != 2 {
		t.Errorf("%+v, %v", cfg, err)
	}
}

// TestBadSubscriptions: each entry has its fault, which names the key.
func TestBadSubscriptions(t *testing.T) {
	t.Parallel()
	_, err := load(t, "c.toml", `
subscriptions = [
  {topic = "a/#/b", group = "g"},
  {topic = "a", group = "g", qos = "1"},
  {topic = "a", group = "g"},
  {topic = "a", group = "g", type = "mqtt.subscribe"},
  {topic = "a", group = "g", shared = true, retained = "send"},
  {topic = "a"},
]
`)
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 5 {
		t.Fatalf("%v, want five faults", err)
	}
	for _, part := range []string{
		"subscriptions[0].topic (", "subscriptions[1].qos (", "must be 0, 1 or 2", "subscriptions[3].type (", "no such key",
		"subscriptions[4].shared (", "gets no retained messages", "subscriptions[5].group (", "missing",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in %v", part, err)
		}
	}
}

// TestSchemaOfSubscriptions: the keys that the schema names are those that there
// are.
func TestSchemaOfSubscriptions(t *testing.T) {
	t.Parallel()
	var schema struct {
		Properties struct {
			Subscriptions struct {
				Items struct {
					Properties map[string]struct{ Enum []any }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(config.Schema()), &schema); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"topic": "a", "group": "g", "channel": "c!d", "no_local": "true", "batch": "2", "min_interval": "0.5", "shared": "false"}
	for key, property := range schema.Properties.Subscriptions.Items.Properties {
		for _, choice := range append(property.Enum, values[key]) {
			if choice == "" {
				continue
			}
			entry := fmt.Sprintf("topic: a, group: g, %s: %v", key, choice)
			if key == "topic" || key == "group" {
				entry = "topic: a, group: g"
			}
			if _, err := load(t, "c.yaml", "subscriptions: [{"+entry+"}]\n"); err != nil {
				t.Error(err)
			}
		}
	}
	_, err := load(t, "c.yaml", "subscriptions: [{nothing: 1}]\n")
	if err == nil {
		t.Fatal("an unknown key was taken")
	}
	_, known, _ := strings.Cut(err.Error(), "there are ")
	known, _, _ = strings.Cut(known, "\n")
	for key := range strings.SplitSeq(known, ", ") {
		if _, there := schema.Properties.Subscriptions.Items.Properties[key]; !there && key != "type" && key != "reply_channel" && key != "id" {
			t.Errorf("the schema does not name %s", key)
		}
	}
}
