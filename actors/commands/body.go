package commands

import "chanmqttproxy/messages"

// body is an answer as its sender sees it: type, id, command, and what
// there is to say, in Python's types.
func body(r messages.Received, a messages.Reply) messages.Map {
	m := messages.Map{
		{Key: "type", Value: "mqtt.error"},
		{Key: "id", Value: textOrNone(r.ReplyTo.ID)},
		{Key: "command", Value: textOrNone(r.Type)},
	}
	m = append(m, subject(r.Command)...)
	if a.Failure != nil {
		return append(m, messages.Pair{Key: "code", Value: a.Failure.Code}, messages.Pair{Key: "reason", Value: a.Failure.Reason})
	}
	switch r.Command.(type) {
	case messages.SubscribeCommand:
		m[0].Value = "mqtt.subscribed"
		m = append(m, messages.Pair{Key: "qos", Value: int64(a.QoS)})
	case messages.UnsubscribeCommand:
		m[0].Value = "mqtt.unsubscribed"
	case messages.PublishCommand:
		m[0].Value = "mqtt.published"
		m = append(m, messages.Pair{Key: "qos", Value: int64(a.QoS)})
	case messages.RequestCommand:
		m[0].Value = "mqtt.response" // the message is added by the layer
	case messages.StatusCommand:
		m[0].Value = "mqtt.state"
		m = append(m, StateBody(*a.State)...)
	}
	return m
}

// subject says what a command was about.
func subject(c messages.Command) messages.Map {
	switch c := c.(type) {
	case messages.SubscribeCommand:
		return about(c.Filter, c.Targets)
	case messages.UnsubscribeCommand:
		return about(c.Filter, c.Targets)
	case messages.PublishCommand:
		return messages.Map{{Key: "topic", Value: c.Message.Topic}}
	case messages.RequestCommand:
		return messages.Map{{Key: "topic", Value: c.Message.Topic}}
	default:
		return nil
	}
}

func about(filter string, targets []messages.Target) messages.Map {
	m := messages.Map{{Key: "topic", Value: filter}}
	for _, t := range targets {
		m = append(m, messages.Pair{Key: t.Kind.String(), Value: t.Name})
	}
	return m
}

// StateBody is the state of the connection as its reader sees it, in Python's types.
func StateBody(s messages.State) messages.Map {
	version := ""
	if s.Version != 0 {
		version = s.Version.String()
	}
	return messages.Map{
		{Key: "connected", Value: s.Connected},
		{Key: "broker", Value: textOrNone(s.Broker)},
		{Key: "version", Value: textOrNone(version)},
		{Key: "since", Value: float64(s.Since.UnixMilli()) / 1000},
		{Key: "reason", Value: textOrNone(s.Reason)},
	}
}

func textOrNone(s string) messages.Value {
	if s == "" {
		return nil
	}
	return s
}
