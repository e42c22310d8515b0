package mqtt

import (
	"bytes"
	"math"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.golang/packets"
)

// codec5 is MQTT 5, by the packets of paho.golang.
type codec5 struct{ user userLimit }

func (codec5) version() messages.Version { return messages.MQTT5 }

func (codec5) writeConnect(w *bytes.Buffer, h connectOptions) error {
	c := h.config
	p := &packets.Connect{
		ProtocolName: "MQTT", ProtocolVersion: byte(messages.MQTT5),
		ClientID: h.clientID, KeepAlive: c.KeepAlive, CleanStart: c.SessionExpiry == 0,
		Username: c.User, UsernameFlag: c.User != "",
		Password: []byte(c.Password), PasswordFlag: c.Password != "",
		Properties: &packets.Properties{
			SessionExpiryInterval: &c.SessionExpiry,
			ReceiveMaximum:        &c.ReceiveMaximum,
			MaximumPacketSize:     &c.MaximumPacket,
		},
	}
	if c.Will != nil {
		p.WillFlag, p.WillTopic, p.WillMessage = true, c.Will.Topic, c.Will.Payload
		p.WillQOS, p.WillRetain, p.WillProperties = c.Will.QoS, c.Will.Retain, &packets.Properties{}
	}
	_, err := p.WriteTo(w)
	return err
}

func (codec5) writePublish(w *bytes.Buffer, id uint16, dup bool, m *messages.Message) error {
	if m.Properties == nil {
		writePlainPublish(w, messages.MQTT5, id, dup, m)
		return nil
	}
	p := publish5(m)
	p.PacketID, p.Duplicate = id, dup // [MQTT-3.3.1-1]
	_, err := p.WriteTo(w)
	return err
}

// publish5 is a PUBLISH with properties.
func publish5(m *messages.Message) *packets.Publish {
	return &packets.Publish{
		Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain,
		Properties: encodeProperties(m.Properties),
	}
}

// size5 is what a message measures as a PUBLISH packet. The fixed header is
// counted as its longest.
func size5(m *messages.Message) (size int) {
	if m.Properties == nil {
		return 5 + plainLength(messages.MQTT5, m)
	}
	for _, b := range publish5(m).Buffers() {
		size += len(b)
	}
	return size + 5
}

func encodeProperties(p *messages.Properties) *packets.Properties {
	out := &packets.Properties{
		ContentType:     p.ContentType,
		ResponseTopic:   p.ResponseTopic,
		CorrelationData: p.CorrelationData,
		MessageExpiry:   p.MessageExpiry,
		PayloadFormat:   p.PayloadFormat,
	}
	for _, u := range p.UserProperties {
		out.User = append(out.User, packets.User{Key: u.Key, Value: u.Value})
	}
	return out
}

func (codec5) writeSubscribe(w *bytes.Buffer, id uint16, filters []messages.Desired, identifier uint32) error {
	p := &packets.Subscribe{PacketID: id, Properties: &packets.Properties{}}
	if identifier != 0 {
		number := int(identifier)
		p.Properties.SubscriptionIdentifier = &number
	}
	for _, f := range filters {
		o := packets.SubOptions{Topic: f.Filter, QoS: f.QoS, NoLocal: f.NoLocal, RetainHandling: packets.RetainDoNotSend}
		if f.Retained {
			o.RetainHandling = packets.RetainSendOnSubscribe
		}
		p.Subscriptions = append(p.Subscriptions, o)
	}
	_, err := p.WriteTo(w)
	return err
}

func (codec5) writeUnsubscribe(w *bytes.Buffer, id uint16, filters []string) error {
	_, err := (&packets.Unsubscribe{PacketID: id, Topics: filters, Properties: &packets.Properties{}}).WriteTo(w)
	return err
}

func (c codec5) decode(f frame) (p packet, err error) {
	switch f.kind() {
	case typePublish:
		return decodePublish(f, messages.MQTT5, c.user)
	case typeDisconnect:
		if len(f.bytes) == 2 { // the library wants the reason that may be left out (section 3.14.2.1)
			return packet{kind: typeDisconnect}, nil
		}
	}
	if p, ok := plainAcknowledgement(f, messages.MQTT5); ok {
		return p, nil
	}
	defer recovered(&err)
	cp, err := packets.ReadPacket(bytes.NewReader(f.bytes))
	if err != nil {
		return packet{}, err
	}
	switch p := cp.Content.(type) {
	case *packets.Connack:
		return connack5(p), nil
	case *packets.Puback:
		return packet{kind: cp.Type, id: p.PacketID, code: p.ReasonCode, reason: p.Properties.ReasonString}, nil
	case *packets.Pubrec:
		return packet{kind: cp.Type, id: p.PacketID, code: p.ReasonCode, reason: p.Properties.ReasonString}, nil
	case *packets.Pubrel:
		return packet{kind: cp.Type, id: p.PacketID}, nil
	case *packets.Pubcomp:
		return packet{kind: cp.Type, id: p.PacketID, code: p.ReasonCode, reason: p.Properties.ReasonString}, nil
	case *packets.Suback:
		return packet{kind: cp.Type, id: p.PacketID, codes: p.Reasons}, nil
	case *packets.Unsuback:
		return packet{kind: cp.Type, id: p.PacketID}, nil
	case *packets.Pingresp:
		return packet{kind: cp.Type}, nil
	case *packets.Disconnect:
		return packet{kind: cp.Type, code: p.ReasonCode, reason: p.Properties.ReasonString}, nil
	default: // AUTH too: nobody asked for authentication
		return packet{}, unexpectedType(f.kind())
	}
}

func connack5(ack *packets.Connack) packet {
	p := packet{kind: typeConnack, code: ack.ReasonCode, reason: ack.Properties.ReasonString, present: ack.SessionPresent}
	if s := ack.Properties.ServerReference; s != "" {
		p.reason = "use " + s + " " + p.reason
	}
	p.limits = limits5(ack.Properties)
	return p
}

func limits5(p *packets.Properties) limits {
	l := limits{receiveMaximum: math.MaxUint16, maximumQoS: 2, keepAlive: p.ServerKeepAlive}
	if n := p.MaximumPacketSize; n != nil {
		l.maximumPacket = *n
	}
	if n := p.ReceiveMaximum; n != nil {
		l.receiveMaximum = max(*n, 1)
	}
	if n := p.MaximumQOS; n != nil {
		l.maximumQoS = *n
	}
	isZero := func(b *byte) bool { return b != nil && *b == 0 }
	l.noRetain = isZero(p.RetainAvailable)
	l.noWildcards = isZero(p.WildcardSubAvailable)
	l.noIdentifiers = isZero(p.SubIDAvailable)
	l.noShared = isZero(p.SharedSubAvailable)
	return l
}
