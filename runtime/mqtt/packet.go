package mqtt

import (
	"bytes"
	"encoding/binary"

	"chanmqttproxy/messages"
)

// The control packet types (MQTT section 2.1.2), the same in both versions.
const (
	typeConnack    byte = 2
	typePublish    byte = 3
	typePuback     byte = 4
	typePubrec     byte = 5
	typePubrel     byte = 6
	typePubcomp    byte = 7
	typeSuback     byte = 9
	typeUnsuback   byte = 11
	typePingresp   byte = 13
	typeDisconnect byte = 14
)

// packet is what a broker sent, whatever the version.
type packet struct {
	kind   byte
	id     uint16
	code   byte
	reason string
	// codes are those of a SUBACK.
	codes []byte
	// PUBLISH
	dup         bool
	identifiers []uint32
	message     *messages.Message
	oversized   int // the size of a packet that was too large: its message has no payload
	dropped     int // user properties, of which there were too many
	// CONNACK
	present bool
	limits  limits
}

// limits are what a broker can do, as its CONNACK says (MQTT 5 section 3.2.2.3).
type limits struct {
	keepAlive      *uint16
	maximumPacket  uint32
	receiveMaximum uint16
	maximumQoS     byte
	noRetain       bool
	noWildcards    bool
	noIdentifiers  bool
	noShared       bool
}

// acknowledgement encodes PUBACK, PUBREC, PUBREL or PUBCOMP with success, which
// both versions write alike (MQTT 5 sections 3.4.2.1 to 3.7.2.1).
func acknowledgement(kind byte, id uint16) []byte {
	flags := byte(0)
	if kind == typePubrel {
		flags = 2 // [MQTT-3.6.1-1]
	}
	return []byte{kind<<4 | flags, 2, byte(id >> 8), byte(id)}
}

// plainAcknowledgement reads PUBACK, PUBREC, PUBREL or PUBCOMP without properties; in MQTT 5
// it may have a reason code. Most are such, and the libraries take 2 kB of memory for one.
func plainAcknowledgement(f frame, v messages.Version) (p packet, ok bool) {
	b, kind := f.bytes, f.kind()
	if kind < typePuback || kind > typePubcomp {
		return packet{}, false
	}
	switch {
	case len(b) == 4:
		return packet{kind: kind, id: binary.BigEndian.Uint16(b[2:])}, true
	case len(b) == 5 && v == messages.MQTT5:
		return packet{kind: kind, id: binary.BigEndian.Uint16(b[2:]), code: b[4]}, true
	default:
		return packet{}, false
	}
}

// plainLength is the remaining length of a PUBLISH without properties.
func plainLength(v messages.Version, m *messages.Message) int {
	n := 2 + len(m.Topic) + len(m.Payload)
	if m.QoS > 0 {
		n += 2
	}
	if v == messages.MQTT5 {
		n++ // the length of the properties
	}
	return n
}

// writePlainPublish adds a PUBLISH without properties (section 3.3). Most are such, and the
// libraries allocate several times for one.
func writePlainPublish(w *bytes.Buffer, v messages.Version, id uint16, dup bool, m *messages.Message) {
	flags := m.QoS << 1
	if dup {
		flags |= 8
	}
	if m.Retain {
		flags |= 1
	}
	b := append(w.AvailableBuffer(), typePublish<<4|flags)
	b = binary.AppendUvarint(b, uint64(plainLength(v, m))) // MQTT's Variable Byte Integer is encoded alike
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Topic)))
	b = append(b, m.Topic...)
	if m.QoS > 0 {
		b = binary.BigEndian.AppendUint16(b, id)
	}
	if v == messages.MQTT5 {
		b = append(b, 0)
	}
	w.Write(b)
	w.Write(m.Payload)
}

var pingreq = []byte{12 << 4, 0}
