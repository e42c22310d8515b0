package mqtt

import "chanmqttproxy/messages"

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

var pingreq = []byte{12 << 4, 0}
