package commands_test

import (
	"testing"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/messages"
)

func TestDenied(t *testing.T) {
	t.Parallel()
	subscribe := func(filter string) messages.Command { return messages.SubscribeCommand{Filter: filter} }
	publish := func(topic string) messages.Command {
		return messages.PublishCommand{Message: &messages.Message{Topic: topic}}
	}
	request := func(topic string) messages.Command {
		return messages.RequestCommand{Message: &messages.Message{Topic: topic}}
	}
	open := &messages.Rules{}
	some := &messages.Rules{AllowSubscribe: []string{"a/#", "b"}, AllowPublish: []string{"cmd/+"}}
	none := &messages.Rules{AllowSubscribe: []string{}, AllowPublish: []string{}}
	const own = "chanmqttproxy/response/x/+"
	for _, test := range []struct {
		rules   *messages.Rules
		command messages.Command
		want    string // the reason; empty: it is allowed
	}{
		{open, subscribe("#"), ""},
		{open, publish("x"), ""},
		{open, subscribe(own), own + " is the worker's own: send mqtt.request to get responses"},
		{some, subscribe("a/+"), ""},
		{some, subscribe("b"), ""},
		{some, subscribe("b/#"), "b/# is not within MQTT_ALLOW_SUBSCRIBE"},
		{some, subscribe("#"), "# is not within MQTT_ALLOW_SUBSCRIBE"},
		{some, publish("cmd/x"), ""},
		{some, publish("cmd/x/y"), "cmd/x/y is not within MQTT_ALLOW_PUBLISH"},
		{some, request("cmd/x"), ""},
		{some, request("a"), "a is not within MQTT_ALLOW_PUBLISH"},
		{none, subscribe("b"), "b is not within MQTT_ALLOW_SUBSCRIBE"},
		{none, publish("cmd/x"), "cmd/x is not within MQTT_ALLOW_PUBLISH"},
		{none, messages.UnsubscribeCommand{Filter: "b"}, ""},
		{none, messages.StatusCommand{}, ""},
	} {
		got := commands.Denied(test.rules, test.command)
		if (got == nil) != (test.want == "") || got != nil && (got.Reason != test.want || got.Code != messages.CodeDenied) {
			t.Errorf("%T %+v: %+v, want %q", test.command, test.command, got, test.want)
		}
	}
}
