package command

import (
	"math"
	"unicode/utf8"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/python"
	"chanmqttproxy/messages/topic"
)

// publishCommand reads mqtt.publish, whose message stands under "publish". Its
// qos and retain are 2 and true when left out, as in the Python worker.
func (f *fields) publishCommand() messages.Command {
	f.only("type", "reply_channel", "id", "publish")
	return messages.PublishCommand{Message: f.publish(), ReplyTo: f.reply()}
}

// publish reads the message under "publish", of which the forbidden keys are
// those that the worker sets itself.
func (f *fields) publish(forbidden ...string) *messages.Message {
	f.has("publish")
	inner := &fields{in: f.dict("publish"), where: "publish.", err: f.err}
	inner.without(forbidden)
	message := inner.message()
	f.err = inner.err
	return message
}

func (f *fields) message() *messages.Message {
	f.only("topic", "payload", "qos", "retain", "content_type", "response_topic",
		"correlation_data", "user_properties", "message_expiry", "payload_format")
	f.has("topic")
	m := &messages.Message{
		Topic:      f.checked("topic", BadTopic, topic.ValidateName),
		Payload:    f.payload(),
		QoS:        f.qos(2),
		Retain:     f.flag("retain", true),
		Properties: f.properties(),
	}
	_, given := f.in.Get("qos")
	m.DefaultQoS = !given
	if m.Properties != nil {
		f.checkFormat(m.Properties.PayloadFormat, m.Payload)
	}
	return m
}

func (f *fields) payload() []byte {
	v, _ := f.in.Get("payload")
	payload, err := encode(v)
	if err != nil {
		f.reject(BadType, "payload", "%v", err)
	}
	return payload
}

// properties reads those of MQTT 5; nil where there are none.
func (f *fields) properties() *messages.Properties {
	p := messages.Properties{
		ContentType:     f.checked("content_type", BadValue, topic.ValidateText),
		ResponseTopic:   f.checked("response_topic", BadTopic, topic.ValidateName), // [MQTT-3.3.2-14]
		CorrelationData: f.bytes("correlation_data"),
		UserProperties:  f.userProperties(),
		MessageExpiry:   f.expiry(),
		PayloadFormat:   f.format(),
	}
	if len(p.CorrelationData) > topic.MaxBytes {
		f.reject(BadValue, "correlation_data", "must be at most %d bytes long, this is %d", topic.MaxBytes, len(p.CorrelationData))
	}
	if empty(&p) {
		return nil
	}
	there := p // most messages have none: nothing is allocated for them
	return &there
}

func empty(p *messages.Properties) bool {
	return p.ContentType == "" && p.ResponseTopic == "" && len(p.CorrelationData) == 0 &&
		p.UserProperties == nil && p.MessageExpiry == nil && p.PayloadFormat == nil
}

func (f *fields) expiry() *uint32 {
	if _, ok := f.in.Get("message_expiry"); !ok {
		return nil
	}
	seconds := uint32(f.number("message_expiry", "an int of seconds from 0 to 4294967295", math.MaxUint32, 0))
	return &seconds
}

func (f *fields) format() *byte {
	if _, ok := f.in.Get("payload_format"); !ok {
		return nil
	}
	format := byte(f.number("payload_format", "0 (bytes) or 1 (UTF-8 text), an int", 1, 0))
	return &format
}

// checkFormat holds a publisher to its word (MQTT 5, 3.3.2.3.2): a receiver
// may refuse the message otherwise.
func (f *fields) checkFormat(format *byte, payload []byte) {
	if format != nil && *format == 1 && !utf8.Valid(payload) {
		f.reject(BadValue, "payload_format", "is 1, but the payload is not UTF-8 text")
	}
}

// userProperties reads a dict of str or of lists of str, or a list of pairs of
// str; names may repeat and keep their order.
func (f *fields) userProperties() []messages.UserProperty {
	var all []messages.UserProperty
	v, ok := f.in.Get("user_properties")
	switch v := v.(type) {
	case messages.Map:
		for _, p := range v {
			all = f.userValues(all, p.Key, p.Value)
		}
	case []any:
		for _, pair := range v {
			all = f.userPair(all, pair)
		}
	default:
		if ok {
			f.wrongType("user_properties", userWant, python.TypeName(v))
		}
	}
	return all
}

const userWant = "a dict of str or lists of str, or a list of pairs of str"

func (f *fields) userValues(all []messages.UserProperty, key string, v messages.Value) []messages.UserProperty {
	values, ok := v.([]any)
	if !ok {
		values = []any{v}
	}
	for _, value := range values {
		all = f.userProperty(all, key, value)
	}
	return all
}

func (f *fields) userPair(all []messages.UserProperty, v messages.Value) []messages.UserProperty {
	pair, _ := v.([]any)
	if len(pair) != 2 {
		f.reject(BadType, "user_properties", "must be %s; one of the list is no pair", userWant)
		return all
	}
	return f.userProperty(all, pair[0], pair[1])
}

func (f *fields) userProperty(all []messages.UserProperty, key, value messages.Value) []messages.UserProperty {
	for _, v := range []messages.Value{key, value} {
		if err := checkUser(v); err != nil {
			f.reject(err.Code, "user_properties", "%s", err.Reason)
			return all
		}
	}
	return append(all, messages.UserProperty{Key: key.(string), Value: value.(string)})
}

func checkUser(v messages.Value) *Error {
	text, ok := v.(string)
	if !ok {
		return fail(BadType, "", "must be %s; one of them holds a %s", userWant, python.TypeName(v))
	}
	if err := topic.ValidateText(text); err != nil {
		return fail(BadValue, "", "one of the texts is refused: it %v", err)
	}
	return nil
}
