package mqtt

import (
	"bytes"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// codec311 is MQTT 3.1.1, by the packets of paho.mqtt.golang.
type codec311 struct{}

func (codec311) version() messages.Version { return messages.MQTT311 }

func (codec311) writeConnect(w *bytes.Buffer, h connectOptions) error {
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

func (codec311) writePublish(w *bytes.Buffer, id uint16, dup bool, m *messages.Message) error {
	writePlainPublish(w, messages.MQTT311, id, dup, m)
	return nil
}

func (codec311) writeSubscribe(w *bytes.Buffer, id uint16, filters []messages.Desired, _ uint32) error {
	p := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	p.MessageID = id
	for _, f := range filters {
		p.Topics = append(p.Topics, f.Filter)
		p.Qoss = append(p.Qoss, f.QoS)
	}
	return p.Write(w)
}

func (codec311) writeUnsubscribe(w *bytes.Buffer, id uint16, filters []string) error {
	p := packets.NewControlPacket(packets.Unsubscribe).(*packets.UnsubscribePacket)
	p.MessageID, p.Topics = id, filters
	return p.Write(w)
}

func (codec311) decode(f frame) (p packet, err error) {
	if f.kind() == typePublish {
		return decodePublish(f, messages.MQTT311, userLimit{})
	}
	if p, ok := plainAcknowledgement(f, messages.MQTT311); ok {
		return p, nil
	}
	defer recovered(&err)
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
	case *packets.SubackPacket:
		return packet{kind: p.MessageType, id: p.MessageID, codes: p.ReturnCodes}, nil
	case *packets.UnsubackPacket:
		return packet{kind: p.MessageType, id: p.MessageID}, nil
	case *packets.PingrespPacket:
		return packet{kind: p.MessageType}, nil
	default:
		return packet{}, unexpectedType(f.kind())
	}
}
