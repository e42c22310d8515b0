package command

import (
	"strings"

	"chanmqttproxy/messages"
)

// commands are the types of all commands.
var commands = []string{"mqtt.subscribe", "mqtt.unsubscribe", "mqtt.publish", "mqtt.request", "mqtt.status"}

// Decoder decodes what a site sends to the command channel.
type Decoder struct {
	// Reserved says of a valid name of a channel why no answer and no message may go
	// there; nil: they may go anywhere. Its errors complete "is refused: …".
	Reserved func(channel string) error
}

// Decode decodes a message of the command channel. Its errors are all
// *Error. Bytes of the message may live on in the command.
func (d Decoder) Decode(body messages.Map) (messages.Command, error) {
	f := &fields{in: body, reserved: d.Reserved}
	command := f.command()
	if f.err != nil {
		return nil, f.err
	}
	return command, nil
}

func (f *fields) command() messages.Command {
	kind := f.text("type", "")
	if !f.has("type") || f.err != nil {
		return nil
	}
	switch strings.ReplaceAll(kind, ".", "_") {
	case "mqtt_subscribe":
		return f.subscribe()
	case "mqtt_unsubscribe":
		return f.unsubscribe()
	case "mqtt_publish":
		return f.publishCommand()
	case "mqtt_request":
		return f.request()
	case "mqtt_status":
		return f.status()
	}
	f.reject(UnknownType, "type", "there is no command %s; there are %s", quote(kind), strings.Join(commands, ", "))
	return nil
}

func (f *fields) unsubscribe() messages.Command {
	f.only("type", "reply_channel", "id", "topic", "group", "channel", "stream")
	return messages.UnsubscribeCommand{Filter: f.filter(), Targets: f.targets(messages.ValidChannel), ReplyTo: f.reply()}
}

func (f *fields) reply() messages.ReplyTo {
	return messages.ReplyTo{
		Channel: f.replyChannel(),
		ID:      f.text("id", ""),
	}
}

// replyChannel is the name of a channel that an answer may go to.
func (f *fields) replyChannel() string { return f.checked("reply_channel", BadName, f.toSend) }

// toSend says why nothing may be sent to a channel.
func (f *fields) toSend(channel string) error {
	err := messages.ValidChannel(channel)
	if err == nil && f.reserved != nil {
		err = f.reserved(channel)
	}
	return err
}

// askedFor is a reply with a channel, without which the command makes no sense.
func (f *fields) askedFor() messages.ReplyTo {
	f.has("reply_channel")
	return f.reply()
}

func (f *fields) status() messages.Command {
	f.only("type", "reply_channel", "id")
	return messages.StatusCommand{ReplyTo: f.askedFor()}
}
