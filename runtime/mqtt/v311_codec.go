package mqtt

import (
	"bytes"
	"fmt"
	"io"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

func connect311(w io.Writer, h hello) error {
	c := h.config
	p := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	p.ProtocolName, p.ProtocolVersion = "MQTT", byte(messages.MQTT311)
	p.ClientIdentifier, p.Keepalive, p.CleanSession = h.clientID, c.KeepAlive, c.SessionExpiry == 0
	// A password needs a user name, were it empty [MQTT-3.1.2-22].
	p.Username, p.UsernameFlag = c.User, c.User != "" || c.Password != ""
	p.Password, p.PasswordFlag = []byte(c.Password), c.Password != ""
	if c.Will != nil {
		p.WillFlag, p.WillTopic, p.WillMessage = true, c.Will.Topic, c.Will.Payload
		p.WillQos, p.WillRetain = c.Will.QoS, c.Will.Retain
	}
	return p.Write(w)
}

func publish311(w io.Writer, id uint16, dup bool, m *messages.Message) error {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Payload, p.MessageID = m.Topic, m.Payload, id
	p.Qos, p.Retain, p.Dup = m.QoS, m.Retain, dup
	return p.Write(w)
}

func subscribe311(w io.Writer, id uint16, filters []messages.Want) error {
	p := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	p.MessageID = id
	for _, f := range filters {
		p.Topics = append(p.Topics, f.Filter)
		p.Qoss = append(p.Qoss, f.QoS)
	}
	return p.Write(w)
}

func unsubscribe311(w io.Writer, id uint16, filters []string) error {
	p := packets.NewControlPacket(packets.Unsubscribe).(*packets.UnsubscribePacket)
	p.MessageID, p.Topics = id, filters
	return p.Write(w)
}

// decode311 reads one packet, as decodePublish does. A panic of the
// codec over a malformed packet is an error: in a goroutine of its own it would
// end the process.
func decode311(f frame) (p packet, err error) {
	if f.kind() == typePublish {
		return decodePublish(f, messages.MQTT311, userLimit{})
	}

	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("malformed packet: %v", r)
		}
	}()
	cp, err := packets.ReadPacket(bytes.NewReader(f.bytes))
	if err != nil {
		return packet{}, err
	}
	switch p := cp.(type) {
	case *packets.ConnackPacket:
		return packet{
			kind: p.MessageType, code: p.ReturnCode, present: p.SessionPresent,
			limits: limits{receiveMaximum: 65535, maximumQoS: 2, noIdentifiers: true},
		}, nil
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
		return packet{}, fmt.Errorf("the broker sent a packet of type %d", f.kind())
	}
}
