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
	lock  chan struct{} // holds one: the calls of Publish, one after the other
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

func newOutbound() *outbound { return &outbound{lock: make(chan struct{}, 1)} }

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
// Conn, in the same order and before others, or not at all. There a message that is half way at the
// broker continues where it stood, so that QoS 2 is not doubled.
func (c *Conn) Publish(ctx context.Context, p messages.Publish) (err error) {
	if err := c.acquire(ctx, c.outbound.lock); err != nil {
		return c.unsent(err)
	}
	defer func() { <-c.outbound.lock }()
	c.stream.gather(true)
	defer func() {
		if err != nil || !p.More {
			c.stream.gather(false)
		}
	}()
	p.Message = c.limits.lower(p.Message)
	if code, reason := c.limits.refuse(p.Message, c.engine.version()); code != 0 {
		c.refuse(p.Receipt, code, reason)
		return nil
	}
	if err := c.stream.waitForRoom(ctx); err != nil {
		return c.unsent(err)
	}
	if p.Message.QoS == 0 {
		return c.unsent(c.publishOnce(p))
	}
	return c.unsent(c.publishFlow(ctx, p))
}

// acquire puts a token into the channel, as soon as there is room.
func (c *Conn) acquire(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.stream.done:
		return errClosed
	}
}

// acquireSlot waits for a free slot. It first lets what is queued be sent.
func (c *Conn) acquireSlot(ctx context.Context) error {
	select {
	case c.outbound.slots <- struct{}{}:
		return nil
	default:
	}
	c.stream.gather(false)
	defer c.stream.gather(true)
	return c.acquire(ctx, c.outbound.slots)
}

func (c *Conn) unsent(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("publishing to %s: %w", c.info.Broker, err)
}

// publishOnce sends a QoS 0 message.
func (c *Conn) publishOnce(p messages.Publish) error {
	o := c.outbound
	o.mu.Lock() // so that flushed does not overtake the receipt
	defer o.mu.Unlock()
	c.engine.publish(0, false, p.Message)
	at, err := c.stream.position()
	if err == nil {
		o.written = append(o.written, unwritten{at: at, receipt: p.Receipt})
	}
	return err
}

// flushed reports the QoS 0 messages within the first total bytes as published.
func (c *Conn) flushed(total uint64) {
	for _, u := range c.outbound.takeWritten(total) {
		c.callSink(func() { c.sink.Published(messages.Published{Receipt: u.receipt}) })
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
func (c *Conn) publishFlow(ctx context.Context, p messages.Publish) error {
	c.release(c.state.superseded(p.Receipt)...)
	if err := c.waitForFirst(ctx, p); err != nil {
		return err
	}
	if err := c.acquireSlot(ctx); err != nil {
		return err
	}
	o, repeated, ok, err := c.state.claim(p)
	if !ok {
		<-c.outbound.slots
		return err
	}
	if o.released {
		return c.stream.write(acknowledgement(typePubrel, o.id))
	}
	c.engine.publish(o.id, repeated, p.Message)
	_, err = c.stream.position()
	return err
}

// waitForFirst waits until the broker has answered the first message of QoS 2, where
// that shows how others are to be sent.
func (c *Conn) waitForFirst(ctx context.Context, p messages.Publish) error {
	found := c.state.mustWait(p)
	if found == nil {
		return nil
	}
	c.stream.gather(false) // so that the first one is sent
	defer c.stream.gather(true)
	select {
	case <-found:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.stream.done:
		return errClosed
	}
}

// refuse reports that a message was refused without being sent.
func (c *Conn) refuse(r messages.Receipt, code byte, reason string) {
	if reason == "" {
		reason = messages.Reason(code)
	}
	c.callSink(func() { c.sink.Published(messages.Published{Receipt: r, Code: code, Reason: reason, Unsent: true}) })
}

// acknowledged continues a message of QoS 1 or 2 after an acknowledgement.
func (c *Conn) acknowledged(p packet) {
	orphans := c.state.learn(p)
	switch o, next := c.state.acknowledged(p); next {
	case release:
		c.answer(acknowledgement(typePubrel, p.id))
	case settled:
		c.settle(o, p)
	}
	c.release(orphans...)
	c.state.learned()
}

// release sends PUBREL for packet ids.
func (c *Conn) release(ids ...uint16) {
	var packets []byte
	for _, id := range ids {
		packets = append(packets, acknowledgement(typePubrel, id)...)
	}
	if len(packets) > 0 {
		c.answer(packets)
	}
}

// settle forgets a message and reports it, both or neither: if the Sink is not called any more, the
// message is left to the next connection.
func (c *Conn) settle(o outgoing, p packet) {
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
	c.callSink(func() {
		c.state.settle(o)
		c.sink.Published(told)
		<-c.outbound.slots
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
