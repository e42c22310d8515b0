package worker

import (
	"errors"
	"fmt"
	"strings"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/command"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
)

// decoder is implemented by command.Decoder.
type decoder interface {
	Decode(messages.Map) (messages.Command, error)
	Envelope(messages.Map) (kind string, reply messages.ReplyTo)
}

// decoderFor makes the decoder for the commands of a site with that configuration.
func decoderFor(cfg *config.Config) command.Decoder {
	return command.Decoder{Reserved: func(channel string) error {
		switch {
		case channel == cfg.Channel:
			return errors.New("commands come there")
		case cfg.Layer.PubSub && strings.HasPrefix(channel, cfg.Layer.Prefix+"__group__"):
			return errors.New("it is that of a group")
		}
		return nil
	}}
}

// decodeMessage decodes one message. If an answer is wanted, or the message is no command, the result has its
// type and where to answer.
func decodeMessage(m layer.Message, d decoder) messages.Received {
	r := messages.Received{Receipt: m.Receipt, Fault: m.Fault}
	if r.Fault != nil {
		r.Code = messages.CodeBadCommand
		r.Type, r.ReplyTo = d.Envelope(m.Head)
		return r
	}
	r.Command, r.Code, r.Fault = safely(d, m.Body)
	if _, asks := m.Body.Get("reply_channel"); asks || r.Fault != nil {
		r.Type, r.ReplyTo = d.Envelope(m.Body)
	}
	return r
}

// safely decodes a message. A panic of the decoder costs this message only.
func safely(d decoder, body messages.Map) (c messages.Command, code string, err error) {
	defer func() {
		if v := recover(); v != nil {
			c, code, err = nil, messages.CodeBug, fmt.Errorf("a bug in reading a command: %v", v)
		}
	}()
	c, err = d.Decode(body)
	var fault *command.Error
	switch {
	case errors.As(err, &fault):
		code = fault.Code
	case err != nil:
		code = messages.CodeBug
	}
	return c, code, err
}
