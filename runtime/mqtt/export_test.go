package mqtt

import (
	"bytes"
	"io"
	"net"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// stream is a connection that is only read.
type stream struct {
	net.Conn
	io.Reader
}

func (s stream) Read(b []byte) (int, error) { return s.Reader.Read(b) }

// ReadFrames cuts a stream into packets and decodes them, as a Session does,
// until one is wrong.
func ReadFrames(v messages.Version, b []byte) (all []*messages.Message, identifiers [][]uint32) {
	next := reader(v, newConn(stream{Reader: bytes.NewReader(b)}, 0))
	for {
		p, err := next()
		if err != nil {
			return all, identifiers
		}
		if p.message != nil {
			all, identifiers = append(all, p.message), append(identifiers, p.identifiers)
		}
	}
}

func reader(v messages.Version, c *conn) func() (packet, error) {
	if v == messages.MQTT311 {
		return (&v311{conn: c}).next
	}
	c5 := newConn5(c)
	return func() (packet, error) {
		cp, err := packets.ReadPacket(c5)
		if err != nil || cp.Type != packets.PUBLISH {
			return packet{}, err
		}
		m := message5(paho.PublishFromPacketPublish(cp.Content.(*packets.Publish)))
		return packet{message: m, identifiers: <-c5.identifiers}, nil
	}
}

// EncodePublish is one PUBLISH packet.
func EncodePublish(v messages.Version, id uint16, m *messages.Message) []byte {
	var b bytes.Buffer
	if v == messages.MQTT311 {
		_ = publish311(&b, id, false, m)
		return b.Bytes()
	}
	p := publish5(m).Packet()
	p.PacketID = id
	_, _ = p.WriteTo(&b)
	return b.Bytes()
}
