package worker

import (
	"errors"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/command"
	"chanmqttproxy/runtime/config"
)

// Subscription decodes one entry of the configured subscriptions, by the rules of mqtt.subscribe. It is
// for config.Input. Its errors are a config.Fault that names the key.
func Subscription(entry messages.Map) (messages.SubscribeCommand, error) {
	subscribe, err := command.Subscription(entry)
	var fault *command.Error
	if errors.As(err, &fault) {
		return subscribe, config.Fault{Where: fault.Key, Err: errors.New(fault.Reason)}
	}
	return subscribe, err
}
