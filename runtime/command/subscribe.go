package command

import (
	"slices"
	"strings"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// subscriptionKeys are those of mqtt.subscribe that say what is subscribed to.
var subscriptionKeys = []string{"topic", "group", "channel", "stream", "qos", "no_local",
	"payload", "retained", "overflow", "batch", "min_interval", "shared"}

// Subscription decodes a subscription that no command asks for: the keys
// are those of mqtt.subscribe, but for type, reply_channel and id. Its errors are
// all *Error.
func Subscription(body messages.Map) (messages.SubscribeCommand, error) {
	f := &fields{in: body}
	f.only(subscriptionKeys...)
	command := f.subscription()
	if f.err != nil {
		return messages.SubscribeCommand{}, f.err
	}
	return command, nil
}

func (f *fields) subscribe() messages.Command {
	f.only(slices.Concat([]string{"type", "reply_channel", "id"}, subscriptionKeys)...)
	command := f.subscription()
	command.ReplyTo = f.reply()
	return command
}

func (f *fields) subscription() messages.SubscribeCommand {
	command := messages.SubscribeCommand{
		Filter:  f.filter(),
		Targets: f.targets(f.toSend),
		Options: messages.Options{
			QoS: f.qos(0), NoLocal: f.flag("no_local", false), Payload: f.mode(),
			Overflow: f.overflow(), Batch: f.batch(), MinInterval: f.minInterval(),
		},
	}
	if f.oneOf("retained", "drop", "send") == "send" && f.err == nil {
		askRetained(&command)
	}
	if command.Options.Shared = f.flag("shared", false); command.Options.Shared && f.err == nil {
		f.shareable(command)
	}
	if f.err == nil && command.Targets[0].Kind == messages.Stream {
		f.streamable(command.Options)
	}
	return command
}

// streamable refuses what a stream cannot have. What is held back, or replaced by something
// newer, would be lost with the worker; and the session of the streams publishes nothing.
func (f *fields) streamable(o messages.Options) {
	for _, option := range []struct {
		key string
		set bool
	}{{"batch", o.Batch > 1}, {"min_interval", o.MinInterval > 0}, {"shared", o.Shared}, {"no_local", o.NoLocal}} {
		if option.set {
			f.reject(BadValue, option.key, "a stream cannot have %s: leave it out", option.key)
		}
	}
	if o.Overflow == messages.OverflowLatest {
		f.reject(BadValue, "overflow", `must be "wait" or "drop" for a stream, not "latest"`)
	}
}

// shareable refuses what a shared subscription cannot have.
func (f *fields) shareable(c messages.SubscribeCommand) {
	switch {
	case c.Options.NoLocal: // [MQTT-3.8.3-4]
		f.reject(BadValue, "shared", "a shared subscription cannot have no_local")
	case c.Retained: // MQTT 5, 4.8.2
		f.reject(BadValue, "shared", "a shared subscription gets no retained messages: leave retained out")
	}
}

// askRetained asks for the retained messages. A channel beside a group names the
// recipient, who is in the group already: subscribed too, it would get
// everything twice.
func askRetained(c *messages.SubscribeCommand) {
	c.Retained = true
	if last := c.Targets[len(c.Targets)-1]; last.Kind == messages.Channel {
		c.Recipient = last.Name
	}
	c.Targets = c.Targets[:1]
}

func (f *fields) filter() string {
	if !f.has("topic") {
		return ""
	}
	filter := f.checked("topic", BadFilter, topic.ValidateFilter)
	if strings.HasPrefix(filter, "$share/") {
		f.unsupported("topic", "a shared subscription ("+quote(filter)+")")
	}
	return filter
}

// targets are those that a subscribe or unsubscribe is for: a group, a channel, or both, or
// a stream alone. The channel's name must be valid.
func (f *fields) targets(valid func(channel string) error) []messages.Target {
	var targets []messages.Target
	if group := f.checked("group", BadName, messages.ValidGroup); group != "" {
		targets = append(targets, messages.Target{Kind: messages.Group, Name: group})
	}
	if channel := f.checked("channel", BadName, valid); channel != "" {
		targets = append(targets, messages.Target{Kind: messages.Channel, Name: channel})
	}
	if stream := f.checked("stream", BadName, messages.ValidStream); stream != "" {
		if len(targets) > 0 {
			f.reject(BadValue, "stream", "a stream needs a command of its own: leave group and channel out")
		}
		targets = append(targets, messages.Target{Kind: messages.Stream, Name: stream})
	}
	if len(targets) == 0 {
		f.reject(MissingKey, "group", `this key is missing, or "channel" or "stream" instead`)
	}
	return targets
}

func (f *fields) mode() messages.PayloadMode {
	switch f.oneOf("payload", "auto", "json", "text", "bytes") {
	case "json":
		return messages.PayloadJSON
	case "text":
		return messages.PayloadText
	case "bytes":
		return messages.PayloadBytes
	default:
		return messages.PayloadAuto
	}
}

func (f *fields) overflow() messages.Overflow {
	switch f.oneOf("overflow", "wait", "drop", "latest") {
	case "drop":
		return messages.OverflowDrop
	case "latest":
		return messages.OverflowLatest
	default:
		return messages.OverflowWait
	}
}

// maxBatch is the most messages of one of the layer: the handler of so many
// holds its consumer up for a while already.
const maxBatch = 1000

// batch is 0 for 1, which is the same.
func (f *fields) batch() uint16 {
	switch n := f.number("batch", "an int from 1 to 1000", maxBatch, 1); n {
	case 0:
		f.reject(BadValue, "batch", "must be an int from 1 to 1000, not 0")
		return 0
	case 1:
		return 0
	default:
		return uint16(n)
	}
}

func (f *fields) minInterval() time.Duration {
	return f.seconds("min_interval", "a number of seconds from 0 to 86400", 0, 24*time.Hour, 0)
}
