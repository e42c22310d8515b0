package mqtt

import (
	"bytes"
	"fmt"
	"io"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// v311 writes and reads MQTT 3.1.1.
type v311 struct{}

func (v311) version() messages.Version { return messages.MQTT311 }

func (v311) connect(w io.Writer, c Config, clientID string) error {
	p := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	p.ProtocolName, p.ProtocolVersion = "MQTT", byte(messages.MQTT311)
	p.ClientIdentifier, p.Keepalive, p.CleanSession = clientID, c.KeepAlive, c.SessionExpiry == 0
	// A password needs a user name, were it empty [MQTT-3.1.2-22].
	p.Username, p.UsernameFlag = c.User, c.User != "" || c.Password != ""
	p.Password, p.PasswordFlag = []byte(c.Password), c.Password != ""
	if c.Will != nil {
		p.WillFlag, p.WillTopic, p.WillMessage = true, c.Will.Topic, c.Will.Payload
		p.WillQos, p.WillRetain = c.Will.QoS, c.Will.Retain
	}
	return p.Write(w)
}

func (v311) publish(w io.Writer, id uint16, dup bool, m *messages.Message) error {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Payload, p.MessageID = m.Topic, m.Payload, id
	p.Qos, p.Retain, p.Dup = m.QoS, m.Retain, dup
	return p.Write(w)
}

func (v311) subscribe(w io.Writer, id uint16, filters []messages.Want, _ uint32) error {
	p := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	p.MessageID = id
	for _, f := range filters {
		p.Topics = append(p.Topics, f.Filter)
		p.Qoss = append(p.Qoss, f.QoS)
	}
	return p.Write(w)
}

func (v311) unsubscribe(w io.Writer, id uint16, filters []string) error {
	p := packets.NewControlPacket(packets.Unsubscribe).(*packets.UnsubscribePacket)
	p.MessageID, p.Topics = id, filters
	return p.Write(w)
}

func (v311) decode(frame []byte) (packet, error) {
	cp, err := packets.ReadPacket(bytes.NewReader(frame))
	if err != nil {
		return packet{}, err
	}
	switch p := cp.(type) {
	case *packets.ConnackPacket:
		return packet{
			kind: p.MessageType, code: p.ReturnCode, present: p.SessionPresent,
			limits: limits{receiveMaximum: 65535, maximumQoS: 2, noIdentifiers: true},
		}, nil
	case *packets.PublishPacket:
		return decodePublish311(p)
	case *packets.PubackPacket:
		return packet{kind: p.MessageType, id: p.MessageID}, nil
	case *packets.PubrecPacket:
		return packet{kind: p.MessageType, id: p.MessageID}, nil
	case *packets.PubrelPacket:
		return packet{kind: p.MessageType, id: p.MessageID}, nil
	case *packets.PubcompPacket:
		return packet{kind: p.MessageType, id: p.MessageID}, nil
	case *packets.SubackPacket:
		return packet{kind: p.MessageType, id: p.MessageID, codes: p.ReturnCodes}, nil
	case *packets.UnsubackPacket:
		return packet{kind: p.MessageType, id: p.MessageID}, nil
	case *packets.PingrespPacket:
		return packet{kind: p.MessageType}, nil
	default:
		return packet{}, fmt.Errorf("the broker sent a packet of type %d", frame[0]>>4)
	}
}

func decodePublish311(p *packets.PublishPacket) (packet, error) {
	if p.Qos > 2 {
		return packet{}, fmt.Errorf("the broker sent a PUBLISH of QoS 3") // [MQTT-3.3.1-4]
	}
	return packet{
		kind: typePublish, id: p.MessageID, dup: p.Dup,
		message: &messages.Message{Topic: p.TopicName, Payload: p.Payload, QoS: p.Qos, Retain: p.Retain},
	}, nil
}
