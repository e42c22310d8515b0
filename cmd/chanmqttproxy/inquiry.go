package main

import (
	"context"
	"fmt"
	"io"

	"chanmqttproxy/messages"
)

// askAfter is how long an answer is waited for before the worker is asked for its state.
const askAfter = answerWithin / 6

// inquiryID is the id of that request, which no command of the user's has.
const inquiryID = "chanmqttproxy send: the state"

// inquiry asks a worker that does not answer a command for its state, which it answers
// without its MQTT broker too.
type inquiry struct {
	consumer *consumer
	out      io.Writer // for the user, when the broker is unreachable
	state    messages.Map
}

func (i *inquiry) send(ctx context.Context) {
	// Whoever waits for the answer reports what is wrong with Redis.
	_ = i.consumer.command(ctx, messages.Map{
		{Key: "type", Value: "mqtt.status"}, {Key: "id", Value: inquiryID}, {Key: "reply_channel", Value: i.consumer.channel},
	})
}

// answered says whether an answer is that of the inquiry.
func (i *inquiry) answered(answer messages.Map) bool {
	if id, _ := answer.Get("id"); id != inquiryID {
		return false
	}
	i.state = answer
	if !i.connected() {
		fmt.Fprintf(i.out, "waiting: the worker runs, but has no connection to the MQTT broker%s\n", i.because())
	}
	return true
}

func (i *inquiry) connected() bool {
	connected, _ := i.state.Get("connected")
	return connected == true
}

func (i *inquiry) because() string {
	if reason, _ := i.state.Get("reason"); reason != nil {
		return fmt.Sprintf(": %v", reason)
	}
	return ""
}

// failure says why there is no answer, and what to do.
func (i *inquiry) failure(channel string) string {
	switch {
	case i.state == nil:
		return "does a worker run with this Redis and MQTT_CHANNEL_NAME=" + channel + "?"
	case i.connected():
		return "the worker runs and is connected to the MQTT broker, but has no answer from it"
	default:
		return "the worker runs, but has no connection to the MQTT broker" + i.because() + "; it carries out the command when there is one"
	}
}
