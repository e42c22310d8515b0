package commands

import (
	"slices"
	"strings"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// ResponsePrefix is what all response topics of requests begin with.
const ResponsePrefix = "chanmqttproxy/response/"

// Denied says why the rules do not allow a command; nil: they do.
func Denied(rules *messages.Rules, c messages.Command) *messages.Failure {
	switch c := c.(type) {
	case messages.SubscribeCommand:
		return DeniedFilter(rules, c.Filter)
	case messages.PublishCommand:
		return DeniedTopic(rules, c.Message.Topic)
	case messages.RequestCommand:
		return DeniedTopic(rules, c.Message.Topic)
	default:
		return nil
	}
}

// DeniedFilter says why nobody may subscribe to a filter; nil: everybody may. It keeps sites
// also from where the responses to requests come: the broker has one subscription for each
// filter, whoever asks for it.
func DeniedFilter(rules *messages.Rules, filter string) *messages.Failure {
	if strings.HasPrefix(filter, ResponsePrefix) {
		return &messages.Failure{Code: messages.CodeDenied, Reason: filter + " is the worker's own: send mqtt.request to get responses"}
	}
	return deny(rules.AllowSubscribe, "MQTT_ALLOW_SUBSCRIBE", filter, topic.Covers)
}

// DeniedTopic says why nobody may publish to a topic; nil: everybody may.
func DeniedTopic(rules *messages.Rules, name string) *messages.Failure {
	return deny(rules.AllowPublish, "MQTT_ALLOW_PUBLISH", name, topic.Match)
}

// deny says that no filter of a setting has the subject within it.
func deny(allowed []string, setting, subject string, within func(filter, subject string) bool) *messages.Failure {
	if allowed == nil || slices.ContainsFunc(allowed, func(filter string) bool { return within(filter, subject) }) {
		return nil
	}
	return &messages.Failure{Code: messages.CodeDenied, Reason: subject + " is not within " + setting}
}
