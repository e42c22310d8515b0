package actors

import (
	"slices"
	"strings"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// denied says why the configuration does not allow a command; nil: it does.
func (d *env) denied(c messages.Command) *messages.Failure {
	switch c := c.(type) {
	case messages.SubscribeCommand:
		return d.deniedFilter(c.Filter)
	case messages.PublishCommand:
		return d.deniedTopic(c.Message.Topic)
	case messages.RequestCommand:
		return d.deniedTopic(c.Message.Topic)
	default:
		return nil
	}
}

// deniedFilter keeps sites also from where the responses to requests come: the
// broker has one subscription for each filter, whoever asks for it.
func (d *env) deniedFilter(filter string) *messages.Failure {
	if strings.HasPrefix(filter, responsePrefix) {
		return &messages.Failure{Code: messages.CodeDenied, Reason: filter + " is the worker's own: send mqtt.request to get responses"}
	}
	return deny(d.rules.Load().AllowSubscribe, "MQTT_ALLOW_SUBSCRIBE", filter, topic.Covers)
}

func (d *env) deniedTopic(name string) *messages.Failure {
	return deny(d.rules.Load().AllowPublish, "MQTT_ALLOW_PUBLISH", name, topic.Match)
}

// deny says that no filter of a setting has the subject within it.
func deny(allowed []string, setting, subject string, within func(filter, subject string) bool) *messages.Failure {
	if allowed == nil || slices.ContainsFunc(allowed, func(filter string) bool { return within(filter, subject) }) {
		return nil
	}
	return &messages.Failure{Code: messages.CodeDenied, Reason: subject + " is not within " + setting}
}
