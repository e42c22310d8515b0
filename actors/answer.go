package actors

import "chanmqttproxy/messages"

// answerBody is an answer as its sender sees it: type, id, command, and what
// there is to say, in Python's types.
func answerBody(r messages.Received, m messages.Answer) messages.Map {
	body := messages.Map{
		{Key: "type", Value: "mqtt.error"},
		{Key: "id", Value: textOrNone(r.Reply.ID)},
		{Key: "command", Value: textOrNone(r.Type)},
	}
	body = append(body, subject(r.Command)...)
	if m.Failure != nil {
		return append(body, messages.Pair{Key: "code", Value: m.Failure.Code}, messages.Pair{Key: "reason", Value: m.Failure.Reason})
	}
	switch r.Command.(type) {
	case messages.SubscribeCommand:
		body[0].Value = "mqtt.subscribed"
		body = append(body, messages.Pair{Key: "qos", Value: int64(m.QoS)})
	case messages.UnsubscribeCommand:
		body[0].Value = "mqtt.unsubscribed"
	case messages.PublishCommand:
		body[0].Value = "mqtt.published"
		body = append(body, messages.Pair{Key: "qos", Value: int64(m.QoS)})
	case messages.RequestCommand:
		body[0].Value = "mqtt.response" // the message is added by the layer
	case messages.StatusCommand:
		body[0].Value = "mqtt.state"
		body = append(body, stateBody(*m.State)...)
	}
	return body
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

// stateBody is how the worker stands with the broker.
func stateBody(s messages.State) messages.Map {
	m := messages.Map{
		{Key: "connected", Value: s.Connected},
		{Key: "broker", Value: textOrNone(s.Broker)},
		{Key: "version", Value: nil},
		{Key: "since", Value: float64(s.Since.UnixMilli()) / 1000},
		{Key: "reason", Value: textOrNone(s.Reason)},
	}
	if s.Version != 0 {
		m[2].Value = s.Version.String()
	}
	return m
}

func textOrNone(s string) messages.Value {
	if s == "" {
		return nil
	}
	return s
}
