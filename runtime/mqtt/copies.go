package mqtt

import (
	"hash/maphash"
	"slices"
	"time"
)

const (
	// copyGap is the time within which all copies of a message come from a server that sends
	// nothing else between them.
	copyGap = 500 * time.Millisecond
	// holdTime is how long arrivals are held to find out whether a server sends copies.
	// holdLimit and holdBytes bound their number and size.
	holdTime, holdLimit, holdBytes = time.Second, 1000, 1 << 20
	// copyMemory is how long the copies of a message may take to come, and copyLimit the most
	// messages that wait for theirs. While nothing comes at most longestQuiet counts, since
	// nothing may have been read.
	copyMemory, copyLimit, longestQuiet = 10 * time.Second, 4096, time.Second
	// copyDoubts is how often expected copies may be missing before every arrival counts as a
	// message for good.
	copyDoubts = 3
)

// copies finds out whether a server sends a copy of a message for each subscription that matches,
// and names all of them in each copy, as Artemis does. Then copies can only be recognised by their
// content. Other servers send one copy that names all [MQTT-3.3.4-3], or name in each copy the
// subscription that it is for [MQTT-3.3.4-4]. It is pure, and belongs to one server.
//
// The second of two equal arrivals starts an examination: arrivals are held for holdTime. If each
// message came as often as it names subscriptions, and at once, the server sends copies, and one
// of each is kept. If expected copies are missing later, there is a new examination.
type copies struct {
	sends   bool
	doubts  int
	waiting map[copyKey]*copyCount
	oldest  []copyKey // of waiting, by their first arrival
	held    []heldPacket
	bytes   int
	last    time.Time     // when something came
	clock   time.Duration // as copyMemory counts it
}

// copyKey names what is in a message, and for which subscriptions it is.
type copyKey struct{ content, identifiers uint64 }

// copyCount is how often a message came.
type copyCount struct {
	first time.Time
	clock time.Duration // at the first
	n, of int
	qos   byte
	again bool // the first was repeated by the server on another connection
}

type heldPacket struct {
	packet
	key copyKey
	at  time.Time
}

// sorted is a packet, and whether it is a copy of one that came before.
type sorted struct {
	packet
	copy bool
}

// passes says that a packet need not be sorted: most are such.
func (c *copies) passes(p packet) bool {
	return len(p.identifiers) < 2 && c.held == nil || c.doubts >= copyDoubts
}

// sort takes in a packet and returns those to pass on now, in order. If it holds some, flush must be
// called after holdTime.
func (c *copies) sort(p packet, now time.Time) []sorted {
	if c.passes(p) {
		return []sorted{{packet: p}}
	}
	h := heldPacket{p, keyOf(p), now}
	c.clock += min(now.Sub(c.last), longestQuiet)
	c.last = now
	c.forget()
	if c.held == nil && !c.suspicious(h) {
		return []sorted{c.count(h)}
	}
	c.held = append(c.held, h)
	c.bytes += len(p.message.Payload) + len(p.message.Topic)
	if len(c.held) >= holdLimit || c.bytes >= holdBytes {
		return c.flush()
	}
	return nil
}

// suspicious says whether a packet may be the first copy seen from a server.
func (c *copies) suspicious(h heldPacket) bool {
	before := c.waiting[h.key]
	return !c.sends && before != nil && h.at.Sub(before.first) <= copyGap
}

// flush ends the holding and returns what was held.
func (c *copies) flush() (out []sorted) {
	held := c.held
	c.held, c.bytes = nil, 0
	if len(held) == 0 {
		return nil
	}
	c.sends = c.allCopied(held)
	if !c.sends {
		c.doubts++
		c.waiting, c.oldest = nil, nil
	}
	for _, h := range held {
		if len(h.identifiers) < 2 || !c.sends {
			out = append(out, sorted{packet: h.packet})
			continue
		}
		out = append(out, c.count(h))
	}
	return out
}

// allCopied says whether each message that came early enough came as often as it names
// subscriptions.
func (c *copies) allCopied(held []heldPacket) bool {
	type seen struct {
		first, last time.Time
		n, of       int
	}
	messages := map[copyKey]*seen{}
	for _, h := range held {
		m := messages[h.key]
		if m == nil {
			m = &seen{first: h.at, of: len(h.identifiers)}
			if before := c.waiting[h.key]; before != nil {
				m.first, m.n = before.first, before.n
			}
			messages[h.key] = m
		}
		m.last = h.at
		m.n++
	}
	for _, m := range messages {
		if m.of > 1 && m.first.Sub(held[0].at) <= copyGap && (m.n != m.of || m.last.Sub(m.first) > copyGap) {
			return false
		}
	}
	return true
}

// count counts an arrival.
func (c *copies) count(h heldPacket) sorted {
	m := c.waiting[h.key]
	if m == nil || !c.sends {
		c.wait(h)
		return sorted{packet: h.packet}
	}
	if m.n++; m.n == m.of {
		delete(c.waiting, h.key)
	}
	copied := h.message.QoS <= m.qos // a higher QoS promises more than the first arrival
	m.qos = max(m.qos, h.message.QoS)
	return sorted{packet: h.packet, copy: copied}
}

// wait notes the first arrival of a message.
func (c *copies) wait(h heldPacket) {
	if c.waiting == nil {
		c.waiting = map[copyKey]*copyCount{}
	}
	if c.waiting[h.key] == nil {
		c.oldest = append(c.oldest, h.key)
	}
	c.waiting[h.key] = &copyCount{first: h.at, clock: c.clock, n: 1, of: len(h.identifiers), qos: h.message.QoS, again: h.dup}
	if len(c.oldest) > copyLimit {
		delete(c.waiting, c.oldest[0])
		c.oldest = c.oldest[1:]
	}
}

// forget stops waiting for copies that have not come in time.
func (c *copies) forget() {
	for len(c.oldest) > 0 {
		m := c.waiting[c.oldest[0]]
		if m != nil && c.clock-m.clock <= copyMemory {
			return
		}
		if m != nil && c.sends && !m.again {
			c.sends = false
			c.doubts++
		}
		delete(c.waiting, c.oldest[0])
		c.oldest = c.oldest[1:]
	}
}

// keyOf is a key of everything in a message but the expiry, which a broker counts down.
func keyOf(p packet) copyKey {
	m := p.message
	content := checksum(m)
	if m.Retain {
		content++
	}
	if x := m.Properties; x != nil {
		content = mix(content, x.ContentType, x.ResponseTopic, string(x.CorrelationData))
		for _, u := range x.UserProperties {
			content = mix(content, u.Key, u.Value)
		}
	}
	ids := slices.Sorted(slices.Values(p.identifiers))
	var identifiers uint64
	for _, id := range ids {
		identifiers = identifiers*1_000_003 + uint64(id)
	}
	return copyKey{content, identifiers}
}

func mix(sum uint64, parts ...string) uint64 {
	for _, part := range parts {
		sum = sum*1_000_003 + maphash.String(seed, part)
	}
	return sum
}
