package command

import "chanmqttproxy/messages"

// Between understands what session slots tell each other: a subscribe for a filter that
// all of them hold; one that moves a subscription, whose answer goes to the channel of
// the slot that gives it up; that answer; and an unsubscribe for that slot alone. ok is
// false where a message is none of these. It is for messages that another slot sent:
// nothing in them says so.
func Between(body messages.Map) (c messages.Command, reply messages.Reply, ok bool) {
	f := &fields{in: body}
	moving := f.text("id", "") == messages.MovingID
	switch kind := f.text("type", ""); {
	case kind == "mqtt.subscribe":
		f.only(append([]string{"type", "reply_channel", "id"}, subscriptionKeys...)...)
		command := f.subscription()
		command.FromSlot, command.Moving = true, moving
		command.Reply = messages.Reply{Channel: f.text("reply_channel", ""), ID: f.text("id", "")}
		return command, command.Reply, f.err == nil
	case kind == "mqtt.unsubscribe" && moving:
		f.only("type", "topic", "group", "channel", "id")
		return messages.GiveUpCommand{Filter: f.filter(), Targets: f.targets(messages.ValidChannel)}, messages.Reply{}, f.err == nil
	case (kind == "mqtt.subscribed" || kind == "mqtt.error") && moving:
		moved := messages.MovedCommand{Filter: f.filter(), Targets: f.targets(messages.ValidChannel)}
		if kind == "mqtt.error" && f.text("code", "") != messages.CodeRefused {
			moved.Targets = nil // it is asked for again
		}
		return moved, messages.Reply{}, f.err == nil
	}
	return nil, messages.Reply{}, false
}
