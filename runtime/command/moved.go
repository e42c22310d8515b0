package command

import "chanmqttproxy/messages"

// Between understands what session slots tell each other beside commands: a subscribe
// that moves a subscription, whose answer goes to the channel of the slot that gives it
// up, that answer, and an unsubscribe for that slot alone. Ok is false where a message is neither; it is to be decoded as a
// command then. A site that writes such a message gets no more by it than by a command.
func Between(body messages.Map) (c messages.Command, reply messages.Reply, ok bool) {
	if id, _ := body.Get("id"); id != messages.MovingID {
		return nil, messages.Reply{}, false
	}
	f := &fields{in: body}
	switch kind := f.text("type", ""); kind {
	case "mqtt.subscribe":
		f.only(append([]string{"type", "reply_channel", "id"}, subscriptionKeys...)...)
		command := f.subscription()
		command.Reply = messages.Reply{Channel: f.text("reply_channel", ""), ID: messages.MovingID}
		return command, command.Reply, f.err == nil
	case "mqtt.unsubscribe":
		f.only("type", "topic", "group", "channel", "id")
		return messages.GiveUpCommand{Filter: f.filter(), Targets: f.targets()}, messages.Reply{}, f.err == nil
	case "mqtt.subscribed", "mqtt.error":
		moved := messages.MovedCommand{Filter: f.filter(), Targets: f.targets()}
		if kind == "mqtt.error" && f.text("code", "") != messages.CodeRefused {
			moved.Targets = nil // it is asked for again
		}
		return moved, messages.Reply{}, f.err == nil
	}
	return nil, messages.Reply{}, false
}
