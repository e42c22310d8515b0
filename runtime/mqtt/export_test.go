package mqtt

import (
	"bytes"

	"chanmqttproxy/messages"
)

// ReadFrames cuts a stream into packets and decodes them until one is wrong.
func ReadFrames(v messages.Version, stream []byte) (all []*messages.Message, identifiers [][]uint32) {
	proto, err := protocolOf(v)
	if err != nil {
		return nil, nil
	}
	frames := newFrameReader(bytes.NewReader(stream))
	for {
		frame, err := frames.next()
		if err != nil {
			return all, identifiers
		}
		p, err := proto.decode(frame)
		if err != nil {
			return all, identifiers
		}
		if p.message != nil {
			all, identifiers = append(all, p.message), append(identifiers, p.identifiers)
		}
	}
}

// EncodePublish is one PUBLISH packet.
func EncodePublish(v messages.Version, id uint16, m *messages.Message) []byte {
	proto, _ := protocolOf(v)
	var b bytes.Buffer
	_ = proto.publish(&b, id, false, m)
	return b.Bytes()
}
