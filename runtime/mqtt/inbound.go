package mqtt

import (
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"chanmqttproxy/messages"
)

// inbound keeps the acknowledgements of one connection in the order of arrival.
type inbound struct {
	mu    sync.Mutex
	queue []*incoming
}

// received passes on a message, and returns when the next one may be read.
func (c *Conn) received(p packet) {
	c.sort(p)
	c.pace()
}

// sort passes on messages without copies. Some may be held for a moment.
func (c *Conn) sort(p packet) {
	if c.copies == nil {
		c.pass(p)
		return
	}
	c.sorting.Lock()
	defer c.sorting.Unlock()
	if c.copies.passes(p) {
		c.pass(p)
		return
	}
	c.passAll(c.copies.sort(p, time.Now()))
	if c.copies.held != nil && c.holding == nil {
		c.holding = time.AfterFunc(holdTime, c.flushHeld)
	}
}

func (c *Conn) flushHeld() {
	c.sorting.Lock()
	defer c.sorting.Unlock()
	if c.copies == nil {
		return
	}
	c.holding = nil
	c.passAll(c.copies.flush())
}

// stopHolding leaves what is held to the next connection. Nothing is read any more.
func (c *Conn) stopHolding() {
	c.sorting.Lock()
	defer c.sorting.Unlock()
	if c.holding != nil {
		c.holding.Stop()
	}
	if c.copies != nil {
		c.copies.held, c.copies.bytes, c.copies = nil, 0, nil
	}
}

func (c *Conn) passAll(list []sorted) {
	for _, p := range list {
		if p.copy {
			c.drop(p.packet)
		} else {
			c.pass(p.packet)
		}
	}
}

// drop acknowledges a copy, without passing it on.
func (c *Conn) drop(p packet) {
	if p.message.QoS == 0 {
		return
	}
	in, again := c.state.arrive(p)
	c.inbound.add(in)
	if !again {
		c.state.acknowledge([]uint64{in.seq})
	}
	c.flushAcks()
}

// pass passes a message to the Sink, unless the Sink has it already. One that is too large is only
// acknowledged, in its turn. If the Sink does not take it, pass does nothing: the broker repeats the
// message on the next connection.
func (c *Conn) pass(p packet) {
	var flush bool
	c.callSink(func() {
		if p.message.QoS == 0 {
			c.take(p, 0)
			return
		}
		in, again := c.state.arrive(p)
		c.inbound.add(in)
		flush = again || p.oversized > 0
		if !again && !c.take(p, in.seq) {
			c.state.forgo(in)
		}
	})
	if flush {
		c.flushAcks()
	}
}

// take passes a new message to the Sink, unless it is too large, and says whether it will be
// acknowledged. It numbers those of QoS 0.
func (c *Conn) take(p packet, seq uint64) bool {
	if p.oversized > 0 || p.dropped > 0 {
		c.skipped.note(p, c.log)
	}
	if p.oversized > 0 {
		return true
	}
	if p.message.QoS == 0 {
		seq = c.state.number()
	}
	return c.sink.Received(seq, p.identifiers, p.message)
}

func (i *inbound) add(in *incoming) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.queue = append(i.queue, in)
}

// number counts a delivery.
func (s *state) number() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	return s.seq
}

// arrive records a message of QoS 1 or 2. again: the broker repeats (DUP) one that was delivered on an
// earlier connection and is still under way, or was acknowledged with a PUBREC and had no PUBREL yet
// [MQTT-4.3.3-10]. A packet without DUP is a new message. One with DUP may be new as well, since
// RabbitMQ repeats messages under new ids, in spite of [MQTT-4.4.0-1]: so the content is compared.
func (s *state) arrive(p packet) (in *incoming, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := checksum(p.message) + uint64(p.oversized)
	if in := s.in[p.id]; in != nil && p.dup && in.qos == p.message.QoS && in.sum == sum {
		return in, true
	}
	if p.message.QoS == 1 {
		s.replays.arrived(replayKey{p.id, sum})
	}
	s.seq++
	in = &incoming{id: p.id, seq: s.seq, qos: p.message.QoS, sum: sum, size: p.message.Size(), done: p.oversized > 0}
	s.in[p.id] = in
	if in.done {
		return in, false
	}
	s.due[in.seq] = in
	s.dueBytes += in.size
	return in, false
}

// forgo leaves a message to the next connection.
func (s *state) forgo(in *incoming) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.in, in.id)
	s.paid(in)
}

// paid removes a delivery from due. It is called with mu held.
func (s *state) paid(in *incoming) {
	if s.due[in.seq] == nil {
		return
	}
	delete(s.due, in.seq)
	s.dueBytes -= in.size
	s.makeRoom()
}

var seed = maphash.MakeSeed()

// checksum is one of topic and payload. Properties do not count, since the broker counts the expiry
// down.
func checksum(m *messages.Message) uint64 {
	return maphash.String(seed, m.Topic) ^ maphash.Bytes(seed, m.Payload)*3
}

// Ack acknowledges deliveries of QoS 1 and 2 to the broker, on the live Conn
// or, when the broker repeats them, on the next. It never blocks. Calls may
// come in any order; the packets are sent in the order of arrival
// [MQTT-4.6.0-2]. Unknown seqs are ignored.
func (d *Dialer) Ack(seqs ...uint64) {
	if flush := d.state.acknowledge(seqs); flush != nil {
		flush()
	}
}

// acknowledge marks deliveries as done. It returns nil if none of them was due.
func (s *state) acknowledge(seqs []uint64) (flush func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seq := range seqs {
		if in := s.due[seq]; in != nil {
			in.done = true
			s.paid(in)
			flush = s.flush
		}
	}
	return flush
}

// flushAcks sends the acknowledgements that no earlier message holds up.
func (c *Conn) flushAcks() {
	c.inbound.mu.Lock()
	defer c.inbound.mu.Unlock()
	if c.over() {
		return
	}
	if packets := c.state.takeAcks(&c.inbound.queue); len(packets) > 0 {
		c.answer(packets)
	}
}

// takeAcks encodes the acknowledgements of the messages at the head of the queue that are done. PUBACK
// frees a packet id; after PUBREC it waits for PUBREL.
func (s *state) takeAcks(queue *[]*incoming) (packets []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(*queue) > 0 && (*queue)[0].done {
		in := (*queue)[0]
		*queue = (*queue)[1:]
		if in.qos == 2 {
			packets = append(packets, acknowledgement(typePubrec, in.id)...)
			continue
		}
		packets = append(packets, acknowledgement(typePuback, in.id)...)
		s.replays.acknowledged(replayKey{in.id, in.sum}, time.Now())
		if s.in[in.id] == in {
			delete(s.in, in.id)
		}
	}
	return packets
}

// answeredPing ends the connection if the broker sends the same messages at each resume, once what it
// has sent is settled. Dial then makes it drop the session.
func (c *Conn) answeredPing(pinged time.Time) {
	if c.state.endless(pinged) {
		c.fail(&messages.ConnectionFailure{
			Doing: c.doing(), Cause: messages.SessionReplayed,
			Err: fmt.Errorf("on each of %d connections it sent the same messages again, although they had been acknowledged", replayResumes+1),
		})
	}
}

func (s *state) endless(pinged time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.replays.answered(pinged) || len(s.due) > 0 {
		return false
	}
	s.replayed = s.clientID
	return true
}

// pubrel ends a message of QoS 2 [MQTT-4.3.3-11].
func (c *Conn) pubrel(id uint16) {
	c.state.release(id)
	c.answer(acknowledgement(typePubcomp, id))
}

func (s *state) release(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in := s.in[id]; in != nil && in.qos == 2 {
		delete(s.in, id)
	}
}
