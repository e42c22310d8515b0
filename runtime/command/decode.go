package command

import (
	"strings"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Decode understands a message of the command channel. Its errors are all
// *Error. Bytes of the message may live on in the command.
func Decode(body messages.Map) (messages.Command, error) {
	f := &fields{in: body}
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
	case "mqtt_request", "mqtt_status":
		f.unsupported("type", kind)
	default:
		f.reject(UnknownType, "type", "there is no command %s; there are mqtt.subscribe, mqtt.unsubscribe and mqtt.publish", quote(kind))
	}
	return nil
}

func (f *fields) subscribe() messages.Command {
	f.only("type", "reply_channel", "id", "topic", "group", "channel", "qos", "no_local",
		"payload", "retained", "overflow", "batch", "min_interval", "shared")
	command := messages.SubscribeCommand{
		Filter:  f.filter(),
		Targets: f.targets(),
		Options: messages.Options{
			QoS: f.qos(0), NoLocal: f.flag("no_local", false), Payload: f.mode(),
			Overflow: f.overflow(), Batch: f.batch(),
		},
		Reply: f.reply(),
	}
	f.later()
	return command
}

func (f *fields) unsubscribe() messages.Command {
	f.only("type", "reply_channel", "id", "topic", "group", "channel")
	return messages.UnsubscribeCommand{Filter: f.filter(), Targets: f.targets(), Reply: f.reply()}
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

// targets are those whom a (un)subscribe is for: a group, a channel, or both.
func (f *fields) targets() []messages.Target {
	var targets []messages.Target
	if group := f.checked("group", BadName, messages.ValidGroup); group != "" {
		targets = append(targets, messages.Target{Kind: messages.Group, Name: group})
	}
	if channel := f.checked("channel", BadName, messages.ValidChannel); channel != "" {
		targets = append(targets, messages.Target{Kind: messages.Channel, Name: channel})
	}
	if len(targets) == 0 {
		f.reject(MissingKey, "group", `this key is missing, or "channel" instead`)
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

func (f *fields) reply() messages.Reply {
	return messages.Reply{
		Channel: f.checked("reply_channel", BadName, messages.ValidChannel),
		ID:      f.text("id", ""),
	}
}

// later accepts the defaults of the options that cannot be chosen yet.
func (f *fields) later() {
	if s := f.oneOf("retained", "drop", "send"); s != "drop" {
		f.unsupported("retained", quote(s))
	}
	if f.flag("shared", false) {
		f.unsupported("shared", "True")
	}
	f.minInterval()
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
func (f *fields) batch() int {
	switch n := f.number("batch", "an int from 1 to 1000", maxBatch, 1); n {
	case 0:
		f.reject(BadValue, "batch", "must be an int from 1 to 1000, not 0")
		return 0
	case 1:
		return 0
	default:
		return int(n)
	}
}

func (f *fields) minInterval() {
	v, ok := f.in.Get("min_interval")
	if !ok {
		return
	}
	seconds := -1.0
	switch n := v.(type) {
	case int64:
		seconds = float64(n)
	case uint64:
		seconds = float64(n)
	case float64:
		seconds = n
	default:
		f.wrongType("min_interval", "a number of seconds", shown(v))
	}
	switch {
	case seconds > 0:
		f.unsupported("min_interval", pythonStr(v))
	case seconds != 0: // negative, or NaN
		f.reject(BadValue, "min_interval", "must be a number of seconds from 0, not %s", pythonStr(v))
	}
}
