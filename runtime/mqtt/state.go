package mqtt

import (
	"errors"
	"sync"

	"chanmqttproxy/messages"
)

// window is how many outbound messages of QoS 1 and 2 may be in flight. Their
// packet ids are 1 to window, so that those of a dead process can all be
// released; ids of SUBSCRIBE and UNSUBSCRIBE lie above.
const window = 1024

var errNoID = errors.New("no packet id is free: the broker has not acknowledged the publishes of earlier connections")

// outgoing is a message of QoS 1 or 2 that the broker has not settled.
type outgoing struct {
	id      uint16
	receipt messages.Receipt
	qos     byte
	// released: PUBREC was had, so that only PUBREL may be sent [MQTT-4.3.3-6].
	released bool
	// live: it was sent on the present connection.
	live bool
}

// incoming is a message of QoS 1 or 2 that the broker may send again.
type incoming struct {
	id   uint16
	seq  uint64
	qos  byte
	sum  uint64 // of topic and payload
	size int
	done bool // the caller acknowledged it
}

// state is the session state (MQTT section 4.1) of one client id. It belongs
// to a Dialer and serves one Conn at a time.
type state struct {
	mu       sync.Mutex
	known    bool // it has seen the broker's session before
	clientID string

	out   map[uint16]*outgoing
	kept  bool // out may have some of an earlier connection
	named map[messages.Receipt]*outgoing
	last  uint16
	orphans

	in      map[uint16]*incoming
	replays replays
	// replayed is the client id whose session is to be dropped because of them.
	replayed string
	seq      uint64
	// due are those that the caller has not acknowledged, by seq, those of
	// sessions that the broker has dropped included.
	due      map[uint64]*incoming
	dueBytes int
	room     chan struct{} // closed when due shrinks; nil: nobody waits
	// flush sends what can be acknowledged on the latest connection.
	flush func()
}

func newState() *state {
	s := &state{due: map[uint64]*incoming{}}
	s.clear()
	return s
}

// attach prepares the state for a new connection, and returns the packet ids that the broker must release
// first.
//
// If the broker has a session that this state does not know, a dead process may have left QoS 2 messages
// half way: all ids of the window are orphans.
func (s *state) attach(clientID string, present bool, flush func()) (release []uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clientID != clientID {
		s.clear()
		s.known = false
	}
	s.replays.resume(present)
	switch {
	case !present:
		s.clear()
	case !s.known:
		s.clear()
		release = s.add(allIDs()...)
	default:
		release = s.carryOutgoing()
	}
	s.clientID, s.known, s.flush = clientID, true, flush
	return release
}

func (s *state) clear() {
	s.out, s.named = map[uint16]*outgoing{}, map[messages.Receipt]*outgoing{}
	s.in = map[uint16]*incoming{}
	s.orphans = orphans{}
}

func allIDs() []uint16 {
	ids := make([]uint16, window)
	for i := range ids {
		ids[i] = uint16(i + 1)
	}
	return ids
}

// carryOutgoing keeps the messages that will be published again. It abandons those without a receipt,
// which cannot be.
func (s *state) carryOutgoing() (release []uint16) {
	s.kept = true
	for id, o := range s.out {
		o.live = false
		if o.receipt == "" {
			release = append(release, s.abandon(id)...)
		}
	}
	return release
}

// abandon forgets a message, and returns the packet ids that the broker must
// release first.
func (s *state) abandon(id uint16) (release []uint16) {
	o := s.out[id]
	delete(s.out, id)
	if o.receipt != "" {
		delete(s.named, o.receipt)
	}
	switch {
	case o.qos < 2:
		return nil
	case id == s.first:
		s.first = 0 // another one is the first
		return nil
	}
	return s.add(id)
}

// forget drops everything: another client may have used the session.
func (s *state) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.known = false
}

// superseded abandons what earlier connections have left, once a new message comes: what is published
// again comes before it. It returns the packet ids that the broker must release first.
func (s *state) superseded(by messages.Receipt) (release []uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.kept || by == "" || s.named[by] != nil {
		return nil
	}
	s.kept = false
	for id, o := range s.out {
		if !o.live {
			release = append(release, s.abandon(id)...)
		}
	}
	return release
}

// claim returns the entry to send p with: a new one, or the one that an earlier connection left (p is
// repeated then). ok is false if p is in flight already.
func (s *state) claim(p messages.Publish) (o outgoing, repeated, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.named[p.Receipt]; known != nil {
		ok = !known.live
		known.live = true
		return *known, true, ok, nil
	}
	id, err := s.freeID(p.Message.QoS)
	if err != nil {
		return outgoing{}, false, false, err
	}
	fresh := &outgoing{id: id, receipt: p.Receipt, qos: p.Message.QoS, live: true}
	s.out[id] = fresh
	if p.Receipt != "" {
		s.named[p.Receipt] = fresh
	}
	return *fresh, false, true, nil
}

// mustWait returns what a message of QoS 2 has to wait for, nil if nothing.
func (s *state) mustWait(p messages.Publish) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Message.QoS < 2 || s.named[p.Receipt] != nil {
		return nil
	}
	return s.wait()
}

// learn takes in an answer. It returns the packet ids that the broker must release when the message is
// settled, before learned is called.
func (s *state) learn(p packet) (release []uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.out[p.id]; o == nil || o.qos < 2 {
		return nil
	}
	return s.orphans.learn(p)
}

// learned lets waiting messages of QoS 2 continue.
func (s *state) learned() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done()
}

func (s *state) freeID(qos byte) (uint16, error) {
	if qos == 2 && s.unsure() {
		return s.firstID(), nil
	}
	for range window {
		s.last = s.last%window + 1
		if s.out[s.last] == nil {
			return s.last, nil
		}
	}
	return 0, errNoID
}

// step is what follows from an acknowledgement.
type step byte

const (
	ignore  step = iota
	release      // send PUBREL
	settled      // the message is done
)

// acknowledged takes in PUBACK, PUBREC or PUBCOMP (MQTT section 4.3). A PUBREC with an unknown id is of a
// dead process: it is answered with PUBREL. A PUBCOMP before PUBREC answers such a PUBREL. PUBACK settles
// QoS 2 too: RabbitMQ treats QoS 2 as QoS 1, and answers so.
func (s *state) acknowledged(p packet) (outgoing, step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.out[p.id]
	if o == nil || o.qos == 1 && p.kind != typePuback {
		if p.kind == typePubrec {
			return outgoing{}, release
		}
		return outgoing{}, ignore
	}
	switch {
	case p.kind == typePubrec && p.code < 0x80:
		o.released = true
		return *o, release
	case !o.live, p.kind == typePubcomp && !o.released:
		return *o, ignore
	default:
		return *o, settled // [MQTT-4.3.3-4] where PUBREC refuses
	}
}

// settle removes an entry.
func (s *state) settle(o outgoing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.out, o.id)
	if o.receipt != "" {
		delete(s.named, o.receipt)
	}
}
