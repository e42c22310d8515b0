package mqtt

import (
	"context"
	"fmt"
	"math"
	"sync"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// outbound is the publishing side of one connection.
type outbound struct {
	turn  chan struct{} // holds one: the calls of Publish, one after the other
	slots chan struct{} // one for each message in flight [MQTT-3.3.4-7]

	mu      sync.Mutex
	written []unwritten // QoS 0, in order
}

// unwritten is a QoS 0 message that has taken effect once the connection has
// written so many bytes.
type unwritten struct {
	at      uint64
	receipt messages.Receipt
}

func newOutbound() *outbound { return &outbound{turn: make(chan struct{}, 1)} }

// open sets the number of slots.
func (o *outbound) open(receiveMaximum uint16) {
	o.slots = make(chan struct{}, min(int(receiveMaximum), window))
}

// Publish sends a message, in the order of the calls. It may wait while the broker's receive maximum or
// the socket is full. It does not wait for the acknowledgement, and with Publish.More not for the write.
// Sink.Published is called once for each receipt, when the publish took effect or was refused. What the
// broker cannot take is refused without sending it, but a QoS that is only a default is lowered to what
// the broker takes.
//
// After an error or a loss, receipts without that call are unsettled: publish them again on the next
// Session, in the same order and before others, or not at all. There a message that is half way at the
// broker continues where it stood, so that QoS 2 is not doubled.
func (s *Session) Publish(ctx context.Context, p messages.Publish) (err error) {
	if err := s.acquire(ctx, s.outbound.turn); err != nil {
		return s.unsent(err)
	}
	defer func() { <-s.outbound.turn }()
	s.conn.gather(true)
	defer func() {
		if err != nil || !p.More {
			s.conn.gather(false)
		}
	}()
	p.Message = s.limits.lower(p.Message)
	if code, reason := s.limits.refuse(p.Message, s.engine.version()); code != 0 {
		s.refuse(p.Receipt, code, reason)
		return nil
	}
	if err := s.conn.waitForRoom(ctx); err != nil {
		return s.unsent(err)
	}
	if p.Message.QoS == 0 {
		return s.unsent(s.publishOnce(p))
	}
	return s.unsent(s.publishFlow(ctx, p))
}

// acquire puts a token into the channel, as soon as there is room.
func (s *Session) acquire(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.conn.done:
		return errClosed
	}
}

// acquireSlot waits for a free slot. It first lets what is queued be sent.
func (s *Session) acquireSlot(ctx context.Context) error {
	select {
	case s.outbound.slots <- struct{}{}:
		return nil
	default:
	}
	s.conn.gather(false)
	defer s.conn.gather(true)
	return s.acquire(ctx, s.outbound.slots)
}

func (s *Session) unsent(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("publishing to %s: %w", s.info.Broker, err)
}

// publishOnce sends a QoS 0 message.
func (s *Session) publishOnce(p messages.Publish) error {
	o := s.outbound
	o.mu.Lock() // so that flushed does not overtake the receipt
	defer o.mu.Unlock()
	s.engine.publish(0, false, p.Message)
	at, err := s.conn.position()
	if err == nil {
		o.written = append(o.written, unwritten{at: at, receipt: p.Receipt})
	}
	return err
}

// flushed reports the QoS 0 messages within the first total bytes as published.
func (s *Session) flushed(total uint64) {
	for _, u := range s.outbound.takeWritten(total) {
		s.callSink(func() { s.sink.Published(messages.Published{Receipt: u.receipt}) })
	}
}

func (o *outbound) takeWritten(total uint64) []unwritten {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for n < len(o.written) && o.written[n].at <= total {
		n++
	}
	taken := o.written[:n:n]
	o.written = o.written[n:]
	return taken
}

// publishFlow sends a message of QoS 1 or 2, or continues it.
func (s *Session) publishFlow(ctx context.Context, p messages.Publish) error {
	s.release(s.state.superseded(p.Receipt)...)
	if err := s.waitForFirst(ctx, p); err != nil {
		return err
	}
	if err := s.acquireSlot(ctx); err != nil {
		return err
	}
	o, repeated, ok, err := s.state.claim(p)
	if !ok {
		<-s.outbound.slots
		return err
	}
	if o.released {
		return s.conn.write(acknowledgement(typePubrel, o.id))
	}
	s.engine.publish(o.id, repeated, p.Message)
	_, err = s.conn.position()
	return err
}

// waitForFirst waits until the broker has answered the first message of QoS 2, where
// that shows how others are to be sent.
func (s *Session) waitForFirst(ctx context.Context, p messages.Publish) error {
	found := s.state.mustWait(p)
	if found == nil {
		return nil
	}
	s.conn.gather(false) // so that the first one is sent
	defer s.conn.gather(true)
	select {
	case <-found:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.conn.done:
		return errClosed
	}
}

// refuse reports that a message was refused without being sent.
func (s *Session) refuse(r messages.Receipt, code byte, reason string) {
	if reason == "" {
		reason = messages.Reason(code)
	}
	s.callSink(func() { s.sink.Published(messages.Published{Receipt: r, Code: code, Reason: reason, Unsent: true}) })
}

// acknowledged continues a message of QoS 1 or 2 after an acknowledgement.
func (s *Session) acknowledged(p packet) {
	orphans := s.state.learn(p)
	switch o, next := s.state.acknowledged(p); next {
	case release:
		s.answer(acknowledgement(typePubrel, p.id))
	case settled:
		s.settle(o, p)
	}
	s.release(orphans...)
	s.state.learned()
}

// release sends PUBREL for packet ids.
func (s *Session) release(ids ...uint16) {
	var packets []byte
	for _, id := range ids {
		packets = append(packets, acknowledgement(typePubrel, id)...)
	}
	if len(packets) > 0 {
		s.answer(packets)
	}
}

// settle forgets a message and reports it, both or neither: if the Sink is not called any more, the
// message is left to the next connection.
func (s *Session) settle(o outgoing, p packet) {
	if p.kind == typePubcomp && p.code == messages.ReasonIDNotFound {
		p.code = 0 // an earlier PUBREL had completed it
	}
	told := messages.Published{Receipt: o.receipt, QoS: o.qos, Code: p.code}
	if p.code >= 0x80 {
		told.Reason = messages.Reason(p.code)
		if p.reason != "" {
			told.Reason += ": " + p.reason
		}
	}
	s.callSink(func() {
		s.state.settle(o)
		s.sink.Published(told)
		<-s.outbound.slots
	})
}

// lower returns the message with a QoS that the broker takes, if its QoS is only a default.
func (l *limits) lower(m *messages.Message) *messages.Message {
	if !m.DefaultQoS || m.QoS <= l.maximumQoS {
		return m
	}
	lowered := *m
	lowered.QoS = l.maximumQoS
	return &lowered
}

// refuse says why the broker would not take a message; 0: it would. Sending it would cost the
// connection.
func (l *limits) refuse(m *messages.Message, v messages.Version) (byte, string) {
	if err := topic.ValidateName(m.Topic); err != nil {
		return messages.ReasonTopicInvalid, err.Error()
	}
	switch {
	case m.QoS > l.maximumQoS:
		return messages.ReasonQoSNotSupported, ""
	case m.Retain && l.noRetain:
		return messages.ReasonRetainNotSupported, ""
	case len(m.Payload) > maximumPayload:
		return messages.ReasonPacketTooLarge, ""
	case v == messages.MQTT5 && m.Properties != nil && propertiesSize(m.Properties) > maximumProperties:
		return messages.ReasonPacketTooLarge, "the properties are longer than 65,535 bytes"
	case l.maximumPacket > 0 && uint64(size5(m)) > uint64(l.maximumPacket): // 3.1.1 has no such limit
		return messages.ReasonPacketTooLarge, ""
	}
	return 0, ""
}

// maximumPayload leaves room for everything else in the largest packet that
// can be written (MQTT section 2.1.4).
const maximumPayload = 268_435_455 - 3*math.MaxUint16

// maximumProperties bounds the properties of one message, whose strings are
// counted in two bytes each.
const maximumProperties = math.MaxUint16

func propertiesSize(p *messages.Properties) int {
	size := len(p.ContentType) + len(p.ResponseTopic) + len(p.CorrelationData)
	for _, u := range p.UserProperties {
		size += len(u.Key) + len(u.Value) + 5
	}
	return size
}
