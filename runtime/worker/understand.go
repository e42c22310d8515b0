package worker

import (
	"errors"
	"fmt"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/command"
	"chanmqttproxy/runtime/layer"
)

// decoder is what command.Decode is.
type decoder func(messages.Map) (messages.Command, error)

// understand decodes one message. Where its sender wants an answer, or it is no
// command, the result says what that was and where to answer.
func understand(m layer.Message, decode decoder) messages.Received {
	r := messages.Received{Receipt: m.Receipt, Fault: m.Fault}
	if r.Fault != nil {
		return r // nothing of it can be read
	}
	if c, reply, ok := command.Between(m.Body); ok {
		r.Command, r.Reply, r.Type = c, reply, "mqtt.subscribe"
		return r
	}
	r.Command, r.Code, r.Fault = decode.safely(m.Body)
	if _, asks := m.Body.Get("reply_channel"); asks || r.Fault != nil {
		r.Type, r.Reply = command.Envelope(m.Body)
	}
	return r
}

// safely decodes. A bug in the decoder costs that message only.
func (d decoder) safely(body messages.Map) (c messages.Command, code string, err error) {
	defer func() {
		if v := recover(); v != nil {
			c, code, err = nil, messages.CodeBug, fmt.Errorf("a bug in understanding a command: %v", v)
		}
	}()
	c, err = d(body)
	var fault *command.Error
	switch {
	case errors.As(err, &fault):
		code = fault.Code
	case err != nil:
		code = messages.CodeBug
	}
	return c, code, err
}
