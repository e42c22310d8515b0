package command

import (
	"time"

	"chanmqttproxy/messages"
)

// request reads mqtt.request: a message as that of mqtt.publish, but for the
// properties by which the worker knows the response to it.
func (f *fields) request() messages.Command {
	f.only("type", "reply_channel", "id", "publish", "timeout")
	return messages.RequestCommand{
		Message: f.publish("response_topic", "correlation_data"),
		Timeout: f.seconds("timeout", "a number of seconds above 0, up to 3600", time.Nanosecond, time.Hour, 10*time.Second),
		ReplyTo: f.askedFor(),
	}
}

// without rejects keys that the worker sets itself.
func (f *fields) without(keys []string) {
	for _, key := range keys {
		if _, given := f.in.Get(key); given {
			f.reject(UnknownKey, key, "a request does not have this key: the worker sets it itself, to recognise the response")
		}
	}
}
