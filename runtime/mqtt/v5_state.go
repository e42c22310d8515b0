package mqtt

import (
	"context"
	"fmt"
	"io"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/log"
	"github.com/eclipse/paho.golang/paho/session"
)

// state5 is the session state of one paho.Client, as the library's
// session.SessionManager. It keeps nothing itself: packet ids, receipts and
// what is half way are those of the Dialer's state, which both versions share.
type state5 struct {
	session  *Session
	accept   func(packet)
	requests requests[packets.ControlPacket]
	// id and dup are those of the PUBLISH that is being sent.
	id  uint16
	dup bool
}

var _ session.SessionManager = (*state5)(nil)

// ConAckReceived is called before anything else is read. Its error ends the
// connection.
func (s *state5) ConAckReceived(_ io.Writer, _ *packets.Connect, ack *packets.Connack) error {
	if ack.ReasonCode != 0 {
		return fmt.Errorf("the broker answered with reason code 0x%02x", ack.ReasonCode)
	}
	s.accept(connack5(ack))
	return nil
}

// ConnectionLost is called when the connection has ended, or is about to
// because of a DISCONNECT.
func (s *state5) ConnectionLost(d *packets.Disconnect) error {
	s.requests.end()
	if d != nil && d.ReasonCode == codeTakenOver {
		s.session.state.forget()
	}
	return nil
}

// AddToSession gives a packet its id. A PUBLISH has one already; of the others
// the answer, or nothing after a loss, goes to resp.
func (s *state5) AddToSession(_ context.Context, p session.Packet, resp chan<- packets.ControlPacket) error {
	if publish, ok := p.(*packets.Publish); ok {
		publish.PacketID, publish.Duplicate = s.id, s.dup // [MQTT-3.3.1-1]
		return nil
	}
	id, ok := s.requests.open(resp)
	if !ok {
		return session.ErrNoConnection
	}
	p.SetIdentifier(id)
	return nil
}

// PacketReceived is called by the reader for every packet with an id; PUBLISH
// does not come this way.
func (s *state5) PacketReceived(cp *packets.ControlPacket, _ chan<- *packets.Publish) error {
	switch p := cp.Content.(type) {
	case *packets.Puback:
		s.session.acknowledged(packet{kind: cp.Type, id: p.PacketID, code: p.ReasonCode, reason: p.Properties.ReasonString})
	case *packets.Pubrec:
		s.session.acknowledged(packet{kind: cp.Type, id: p.PacketID, code: p.ReasonCode, reason: p.Properties.ReasonString})
	case *packets.Pubcomp:
		s.session.acknowledged(packet{kind: cp.Type, id: p.PacketID, code: p.ReasonCode, reason: p.Properties.ReasonString})
	case *packets.Pubrel:
		s.session.pubrel(p.PacketID)
	case *packets.Suback:
		s.requests.answer(p.PacketID, *cp)
	case *packets.Unsuback:
		s.requests.answer(p.PacketID, *cp)
	}
	return nil
}

// Ack is called when a message was handled; it is acknowledged when its
// receiver says so.
func (*state5) Ack(*packets.Publish) error { return nil }

// Close has nothing to release.
func (*state5) Close() error { return nil }

// SetErrorLogger does nothing.
func (*state5) SetErrorLogger(log.Logger) {}

// SetDebugLogger does nothing.
func (*state5) SetDebugLogger(log.Logger) {}
