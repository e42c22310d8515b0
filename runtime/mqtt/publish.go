package mqtt

import (
	"bytes"
	"fmt"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.golang/packets"
)

// maximumIdentifiers is how many Subscription Identifiers of one PUBLISH are kept.
const maximumIdentifiers = 1024

// decodePublish reads a PUBLISH. It keeps nothing of a frame whose memory is not its own.
// The libraries' codecs would build all user properties before anybody could count them.
func decodePublish(f frame, v messages.Version, most userLimit) (packet, error) {
	flags := f.bytes[0]
	m := &messages.Message{QoS: flags >> 1 & 3, Retain: flags&1 != 0, Dup: flags&8 != 0}
	p := packet{kind: typePublish, dup: flags&8 != 0, message: m}
	if m.QoS == 3 {
		return packet{}, errQoS3
	}
	_, body, _ := variableInt(f.bytes[1:])
	c := cursor{b: body}
	m.Topic = string(c.data())
	if m.QoS > 0 {
		p.id = c.uint16()
	}
	if f.size > len(f.bytes) {
		p.oversized = f.size
		return p, c.err
	}
	if v == messages.MQTT5 {
		if block := c.take(int(c.variableInt())); len(block) > 0 {
			if err := p.readProperties(cursor{b: block}, most); err != nil {
				return packet{}, err
			}
		}
	}
	if c.err != nil {
		return packet{}, c.err
	}
	if m.Payload = c.b; !f.own || len(c.b) < len(f.bytes)/8*7 {
		m.Payload = bytes.Clone(c.b) // else it would hold all that is before it
	}
	return p, nil
}

// userLimit is how many user properties of one message are kept, and how many bytes their
// names and values may have together.
type userLimit struct{ number, bytes int }

// properties are those of a PUBLISH as they stand in the packet.
type properties struct {
	contentType, responseTopic, correlation []byte
	user                                    []messages.UserProperty
	expiry                                  uint32
	format                                  byte
	hasExpiry, hasFormat                    bool
	room                                    userLimit
	dropped                                 int // user properties
}

// readProperties reads the properties (section 3.3.2.3).
func (p *packet) readProperties(c cursor, most userLimit) error {
	all := properties{room: most}
	for len(c.b) > 0 {
		switch id := c.byte(); id {
		case packets.PropPayloadFormat:
			all.format, all.hasFormat = c.byte(), true
		case packets.PropMessageExpiry:
			all.expiry, all.hasExpiry = c.uint32(), true
		case packets.PropContentType:
			all.contentType = c.data()
		case packets.PropResponseTopic:
			all.responseTopic = c.data()
		case packets.PropCorrelationData:
			all.correlation = c.data()
		case packets.PropSubscriptionIdentifier: // there may be several [MQTT-3.3.4-4]
			p.identify(c.variableInt())
		case packets.PropTopicAlias:
			c.uint16()
		case packets.PropUser:
			all.add(c.data(), c.data())
		default:
			return fmt.Errorf("malformed packet: a PUBLISH with property %d", id)
		}
	}
	if len(p.identifiers) > maximumIdentifiers {
		p.identifiers = nil // then all subscriptions count that match
	}
	p.message.Properties, p.dropped = all.build(), all.dropped
	return c.err
}

func (p *packet) identify(identifier uint32) {
	if len(p.identifiers) <= maximumIdentifiers {
		p.identifiers = append(p.identifiers, identifier)
	}
}

// add keeps a user property, unless there is no room for it or for one before it.
func (p *properties) add(key, value []byte) {
	p.room.number--
	p.room.bytes -= len(key) + len(value)
	if p.room.number < 0 || p.room.bytes < 0 {
		p.room.number = 0
		p.dropped++
		return
	}
	p.user = append(p.user, messages.UserProperty{Key: string(key), Value: string(value)})
}

// build returns nil where the publisher set none.
func (p *properties) build() *messages.Properties {
	if len(p.contentType)+len(p.responseTopic)+len(p.correlation)+len(p.user) == 0 && !p.hasExpiry && !p.hasFormat {
		return nil
	}
	built := &messages.Properties{
		ContentType: string(p.contentType), ResponseTopic: string(p.responseTopic),
		CorrelationData: bytes.Clone(p.correlation), UserProperties: p.user,
	}
	if p.hasExpiry {
		built.MessageExpiry = &p.expiry
	}
	if p.hasFormat {
		built.PayloadFormat = &p.format
	}
	return built
}
