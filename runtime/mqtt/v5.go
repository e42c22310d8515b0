package mqtt

import (
	"bytes"
	"fmt"
	"io"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.golang/packets"
)

// v5 writes and reads MQTT 5.
type v5 struct{}

func (v5) version() messages.Version { return messages.MQTT5 }

func (v5) connect(w io.Writer, c Config, clientID string) error {
	p := &packets.Connect{
		ProtocolName:    "MQTT",
		ProtocolVersion: byte(messages.MQTT5),
		ClientID:        clientID,
		KeepAlive:       c.KeepAlive,
		CleanStart:      c.SessionExpiry == 0,
		Username:        c.User,
		UsernameFlag:    c.User != "",
		Password:        []byte(c.Password),
		PasswordFlag:    c.Password != "",
		Properties: &packets.Properties{
			SessionExpiryInterval: &c.SessionExpiry,
			ReceiveMaximum:        &c.ReceiveMaximum,
		},
	}
	if c.Will != nil {
		p.WillFlag, p.WillTopic, p.WillMessage = true, c.Will.Topic, c.Will.Payload
		p.WillQOS, p.WillRetain = c.Will.QoS, c.Will.Retain
	}
	return written(p.WriteTo(w))
}

func (v5) publish(w io.Writer, id uint16, dup bool, m *messages.Message) error {
	return written((&packets.Publish{
		Topic:      m.Topic,
		Payload:    m.Payload,
		QoS:        m.QoS,
		Retain:     m.Retain,
		PacketID:   id,
		Duplicate:  dup,
		Properties: encodeProperties(m.Properties),
	}).WriteTo(w))
}

// retainNever is the Retain Handling that asks for no replay of retained
// messages (section 3.8.3.1).
const retainNever = 2

func (v5) subscribe(w io.Writer, id uint16, filters []messages.Want, identifier uint32) error {
	p := &packets.Subscribe{PacketID: id, Properties: &packets.Properties{}}
	if identifier != 0 {
		number := int(identifier)
		p.Properties.SubscriptionIdentifier = &number
	}
	for _, f := range filters {
		p.Subscriptions = append(p.Subscriptions, packets.SubOptions{
			Topic: f.Filter, QoS: f.QoS, NoLocal: f.NoLocal, RetainHandling: retainNever,
		})
	}
	return written(p.WriteTo(w))
}

func (v5) unsubscribe(w io.Writer, id uint16, filters []string) error {
	return written((&packets.Unsubscribe{
		PacketID: id, Topics: filters, Properties: &packets.Properties{},
	}).WriteTo(w))
}

func (v5) decode(frame []byte) (packet, error) {
	cp, err := packets.ReadPacket(bytes.NewReader(frame))
	if err != nil {
		return packet{}, err
	}
	switch p := cp.Content.(type) {
	case *packets.Connack:
		return decodeConnack(p), nil
	case *packets.Publish:
		return decodePublish(p, frame)
	case *packets.Puback:
		return packet{kind: cp.Type, id: p.PacketID, code: p.ReasonCode, reason: p.Properties.ReasonString}, nil
	case *packets.Pubrec:
		return packet{kind: cp.Type, id: p.PacketID, code: p.ReasonCode, reason: p.Properties.ReasonString}, nil
	case *packets.Pubrel:
		return packet{kind: cp.Type, id: p.PacketID, code: p.ReasonCode}, nil
	case *packets.Pubcomp:
		return packet{kind: cp.Type, id: p.PacketID, code: p.ReasonCode, reason: p.Properties.ReasonString}, nil
	case *packets.Suback:
		return packet{kind: cp.Type, id: p.PacketID, codes: p.Reasons}, nil
	case *packets.Unsuback:
		return packet{kind: cp.Type, id: p.PacketID, codes: p.Reasons}, nil
	case *packets.Pingresp:
		return packet{kind: cp.Type}, nil
	case *packets.Disconnect:
		return packet{kind: cp.Type, code: p.ReasonCode, reason: p.Properties.ReasonString}, nil
	default:
		return packet{}, fmt.Errorf("the broker sent a packet of type %d", cp.Type)
	}
}

func decodePublish(p *packets.Publish, frame []byte) (packet, error) {
	if p.QoS > 2 {
		return packet{}, fmt.Errorf("the broker sent a PUBLISH of QoS 3") // [MQTT-3.3.1-4]
	}
	var identifiers []uint32
	if p.Properties.SubscriptionIdentifier != nil {
		identifiers = subscriptionIdentifiers(frame)
	}
	return packet{
		kind: typePublish, id: p.PacketID, dup: p.Duplicate, identifiers: identifiers,
		message: &messages.Message{
			Topic: p.Topic, Payload: p.Payload, QoS: p.QoS, Retain: p.Retain,
			Properties: decodeProperties(p.Properties),
		},
	}, nil
}

func decodeConnack(p *packets.Connack) packet {
	l := limits{receiveMaximum: 65535, maximumQoS: 2, keepAlive: p.Properties.ServerKeepAlive}
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
	reason := p.Properties.ReasonString
	if s := p.Properties.ServerReference; s != "" {
		reason = "use " + s + " " + reason
	}
	return packet{kind: typeConnack, code: p.ReasonCode, reason: reason, present: p.SessionPresent, limits: l}
}

func written(_ int64, err error) error { return err }
