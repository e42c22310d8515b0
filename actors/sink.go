package actors

import (
	"strings"
	"sync/atomic"
	"time"

	"chanmqttproxy/messages"
)

// sink has the callbacks of one connection. Messages go straight to the router, and settled
// publishes to the session, so nothing of it depends on the connection actor.
type sink struct {
	*env
	session    Ref[messages.ToSession]
	router     Ref[messages.ToRouter]
	connection *incarnation
	drained    atomic.Bool // pass on no more messages
}

// Received passes a message to the router. One that it does not take is not acknowledged, so
// the broker sends it again on the next connection.
func (k *sink) Received(seq uint64, identifiers []uint32, m *messages.Message) bool {
	if k.drained.Load() {
		return false
	}
	if strings.HasPrefix(m.Topic, messages.MarkerTopics) {
		k.marked(seq, m)
		return true
	}
	m.At = time.Now()
	token := messages.Token{Seq: seq, At: arrival(m.At), QoS: m.QoS, Size: uint32(m.Size()), Retained: m.Retain, Traced: m.Span != nil}
	if followed := k.traces.followed.Load(); followed != nil {
		token.Traced = k.traces.catch(*followed, k.paths.connection, seq, m) || token.Traced
	}
	if m.QoS == 0 && !k.admit(token) {
		k.step(m, k.paths.connection, "dropped", "too much of QoS 0 is under way (BACKLOG_MEMORY)")
		return false
	}
	k.tap.show(false, m)
	k.Stats.Received.Add(1)
	k.flow.received.Add(1)
	k.Stats.Count(m.Topic)
	if m.Retain {
		k.Stats.RetainedInFlight.Add(1)
	}
	k.router.Tell(messages.Delivery{
		Token:       token,
		Weight:      messages.Whole,
		Identifiers: identifiers,
		Message:     m,
	})
	return true
}

// marked passes on a marker, in its place among the deliveries.
func (k *sink) marked(seq uint64, m *messages.Message) {
	k.router.Tell(messages.Marked{Marker: string(m.Payload)})
	if m.QoS > 0 {
		k.MQTT.Ack(seq)
	}
}

// admit bounds the deliveries of QoS 0 that are under way. The Conn bounds those of QoS 1
// and 2: it reads no further while too many are not acknowledged.
func (k *sink) admit(token messages.Token) bool {
	if k.Stats.UnderWayBytes.Add(int64(token.Size)) <= k.BacklogMemory {
		return true
	}
	k.Stats.UnderWayBytes.Add(-int64(token.Size))
	k.Stats.Overflowed.Add(1)
	return false
}

// Published passes on that a publish is settled.
func (k *sink) Published(p messages.Published) {
	switch {
	case !strings.HasPrefix(string(p.Receipt), string(markerReceipt)):
		k.session.Tell(p)
	case p.Code >= messages.ReasonUnspecified:
		k.router.Tell(unmarked(p.Code))
	}
}

// Lost puts the failure into the connection's mailbox.
func (k *sink) Lost(err error) { k.connection.send(&lost{err: err}) }
