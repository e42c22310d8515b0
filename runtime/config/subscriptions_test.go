package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
)

// subscriptions are the entries of a file, as they are handed over.
func subscriptions(t *testing.T, name, content string) ([]messages.Map, error) {
	t.Helper()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse([]string{"--config=" + write(t, name, content)}); err != nil {
		t.Fatal(err)
	}
	var entries []messages.Map
	_, err := config.Load(config.Input{Flags: flags, Subscription: func(m messages.Map) (messages.SubscribeCommand, error) {
		entries = append(entries, m)
		return messages.SubscribeCommand{}, nil
	}})
	return entries, err
}

// TestSubscriptions: both languages give the types that Python would.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"c.yaml": "subscriptions:\n- {topic: a/#, qos: 1, min_interval: 0.5, no_local: true, batch: }\n- {topic: b, group: \"1\"}\n",
		"c.toml": "[[subscriptions]]\ntopic = 'a/#'\nqos = 1\nmin_interval = 0.5\nno_local = true\n[[subscriptions]]\ntopic = 'b'\ngroup = '1'\n",
		"i.toml": "subscriptions = [{topic = 'a/#', qos = 1, min_interval = 0.5, no_local = true}, {topic = 'b', group = '1'}]\n",
	} {
		got, err := subscriptions(t, name, content)
		want := []messages.Map{
			{{Key: "min_interval", Value: 0.5}, {Key: "no_local", Value: true}, {Key: "qos", Value: int64(1)}, {Key: "topic", Value: "a/#"}},
			{{Key: "group", Value: "1"}, {Key: "topic", Value: "b"}},
		}
		if err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("%s: %#v, %v, want %#v", name, got, err, want)
		}
	}
}

func TestNoSubscriptions(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"# nothing\n", "subscriptions:\n", "subscriptions: []\n"} {
		if got, err := subscriptions(t, "c.yaml", content); err != nil || got != nil {
			t.Errorf("%q: %v, %v", content, got, err)
		}
	}
}

func TestBadSubscriptions(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"subscriptions: a\n":                          "subscriptions (",
		"subscriptions: {topic: a}\n":                 "not a list",
		"subscriptions: [a]\n":                        "subscriptions[0] (",
		"subscriptions: [{topic: a}, {topic: [b]}]\n": "subscriptions[1].topic (",
		"subscriptions: [{topic: 2026-01-01}]\n":      "not text, a number",
		"subscripions: []\n":                          "did you mean subscriptions?",
	} {
		if _, err := subscriptions(t, "c.yaml", content); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", content, err, want)
		}
	}
	if _, err := load(t, nil, "--config="+write(t, "c.yaml", "subscriptions: [{topic: a}]\n")); err == nil {
		t.Error("subscriptions were taken that nobody understands")
	}
}

// TestSubscriptionToTheCommandChannel: messages there would be taken for commands.
func TestSubscriptionToTheCommandChannel(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse([]string{"--mqtt-channel-name=orders", "--config=" + write(t, "c.yaml", "subscriptions: [{topic: mqtt}, {topic: orders}]\n")}); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(config.Input{Flags: flags, Subscription: func(m messages.Map) (messages.SubscribeCommand, error) {
		name, _ := m.Get("topic")
		return messages.SubscribeCommand{Targets: []messages.Target{{Kind: messages.Channel, Name: name.(string)}}}, nil
	}})
	if err == nil || !strings.Contains(err.Error(), "subscriptions[1] (") || strings.Contains(err.Error(), "subscriptions[0]") || !strings.Contains(err.Error(), "MQTT_CHANNEL_NAME") {
		t.Errorf("read as %v", err)
	}
}
