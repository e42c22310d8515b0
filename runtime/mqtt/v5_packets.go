package mqtt

import (
	"math"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

func connect5(h hello) *paho.Connect {
	c := h.config
	p := &paho.Connect{
		ClientID:     h.clientID,
		KeepAlive:    c.KeepAlive,
		CleanStart:   c.SessionExpiry == 0,
		Username:     c.User,
		UsernameFlag: c.User != "",
		Password:     []byte(c.Password),
		PasswordFlag: c.Password != "",
		Properties: &paho.ConnectProperties{
			SessionExpiryInterval: &c.SessionExpiry,
			ReceiveMaximum:        &c.ReceiveMaximum,
			MaximumPacketSize:     &c.MaximumPacket,
			RequestProblemInfo:    true,
		},
	}
	if c.Will != nil {
		p.WillMessage = &paho.WillMessage{
			Topic: c.Will.Topic, Payload: c.Will.Payload, QoS: c.Will.QoS, Retain: c.Will.Retain,
		}
	}
	return p
}

// connack5 is a CONNACK of success.
func connack5(p *packets.Connack) packet {
	l := limits{receiveMaximum: math.MaxUint16, maximumQoS: 2, keepAlive: p.Properties.ServerKeepAlive}
	if n := p.Properties.MaximumPacketSize; n != nil {
		l.maximumPacket = *n
	}
	if n := p.Properties.ReceiveMaximum; n != nil {
		l.receiveMaximum = max(*n, 1)
	}
	if n := p.Properties.MaximumQOS; n != nil {
		l.maximumQoS = *n
	}
	isZero := func(b *byte) bool { return b != nil && *b == 0 }
	l.noRetain = isZero(p.Properties.RetainAvailable)
	l.noWildcards = isZero(p.Properties.WildcardSubAvailable)
	l.noIdentifiers = isZero(p.Properties.SubIDAvailable)
	l.noShared = isZero(p.Properties.SharedSubAvailable)
	return packet{kind: typeConnack, present: p.SessionPresent, limits: l}
}

// refusal5of is a CONNACK of no success.
func refusal5of(p *paho.Connack) packet {
	reason := p.Properties.ReasonString
	if s := p.Properties.ServerReference; s != "" {
		reason = "use " + s + " " + reason
	}
	return packet{kind: typeConnack, code: p.ReasonCode, reason: reason}
}

func disconnect5(d *paho.Disconnect) packet {
	p := packet{kind: typeDisconnect, code: d.ReasonCode}
	if d.Properties != nil {
		p.reason = d.Properties.ReasonString
	}
	return p
}

func publish5(m *messages.Message) *paho.Publish {
	return &paho.Publish{
		Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain,
		Properties: encodeProperties(m.Properties),
	}
}

// size5 is what a message measures as a PUBLISH packet. The fixed header is
// counted as its longest.
func size5(m *messages.Message) (size int) {
	for _, b := range publish5(m).Packet().Buffers() {
		size += len(b)
	}
	return size + 5
}

// The Retain Handlings that ask for the retained messages, and for none (section
// 3.8.3.1).
const (
	retainSend  = 0
	retainNever = 2
)

func subscribe5(filters []messages.Want, identifier uint32) *paho.Subscribe {
	p := &paho.Subscribe{}
	if identifier != 0 {
		number := int(identifier)
		p.Properties = &paho.SubscribeProperties{SubscriptionIdentifier: &number}
	}
	for _, f := range filters {
		o := paho.SubscribeOptions{Topic: f.Filter, QoS: f.QoS, NoLocal: f.NoLocal, RetainHandling: retainNever}
		if f.Retained {
			o.RetainHandling = retainSend
		}
		p.Subscriptions = append(p.Subscriptions, o)
	}
	return p
}

func encodeProperties(p *messages.Properties) *paho.PublishProperties {
	if p == nil {
		return nil
	}
	out := &paho.PublishProperties{
		ContentType:     p.ContentType,
		ResponseTopic:   p.ResponseTopic,
		CorrelationData: p.CorrelationData,
		MessageExpiry:   p.MessageExpiry,
		PayloadFormat:   p.PayloadFormat,
	}
	for _, u := range p.UserProperties {
		out.User.Add(u.Key, u.Value)
	}
	return out
}
