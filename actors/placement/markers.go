package placement

import "time"

const (
	// markerStill is how long nothing may come before a marker that is not back counts as
	// refused.
	markerStill = 5 * time.Second
	// markerLimit is how long a marker may take where messages come all the time.
	markerLimit = 2 * time.Minute
	// markerLosses is how many connections in a row may be lost while a marker is under way:
	// some brokers close the connection of a client that publishes what it may not.
	markerLosses = 3
)

// Markers tell when everything has come that waited for the session at the MQTT broker. A
// marker is a message that the slot publishes to its own session. The broker queues it behind
// what waits there, so what was published before is here when the marker is back. Without one
// nothing tells: a broker may send what it had queued for a filter long after its UNSUBACK
// [MQTT-3.10.4-3], and how much it sends ahead of the acknowledgements is its own choice (ten
// messages for RabbitMQ).
//
// A broker may not let the worker publish or subscribe to its markers. Then nothing waits for
// them any more. Times are nanoseconds of a clock that never goes back. The zero value is ready for use.
type Markers struct {
	sent, back, wanted uint64 // sequence numbers of markers
	at                 int64  // when the last was sent
	since              int64  // when the last that is back was sent, on this connection
	received           int64  // deliveries by then or later
	still              int64  // since when there were no more of them
	losses             int
	refused            bool
}

// Connecting notes that a new connection is being made: what is repeated comes first.
func (m *Markers) Connecting() { m.since = 0 }

// Connected notes a new connection. A marker that was under way may be lost: Connected
// returns the number of another, which is to be sent, else 0.
func (m *Markers) Connected(now int64) (seq uint64) {
	if !m.Waiting() {
		return 0
	}
	if m.losses++; m.losses >= markerLosses {
		m.refused = true
		return 0
	}
	return m.send(now)
}

// Ask returns the number of the marker that is back when everything has come that waits now.
// It is to be sent at once, or when the one that is under way is back.
func (m *Markers) Ask(now int64) (seq uint64, send bool) {
	switch {
	case m.refused:
		return 0, false
	case m.Waiting():
		m.wanted = m.sent + 1
		return m.wanted, false
	}
	return m.send(now), true
}

// Came notes a marker that is back, however late, and returns the number of the next one to be
// sent, or 0.
func (m *Markers) Came(seq uint64, now int64) (next uint64) {
	m.back, m.losses, m.refused = max(m.back, min(seq, m.sent)), 0, false
	if seq == m.sent {
		m.since = m.at
	}
	if m.Waiting() || m.wanted <= m.sent {
		return 0
	}
	return m.send(now)
}

// Since is a moment after which all was published that comes now; 0: none is known.
func (m *Markers) Since() int64 { return m.since }

// Passed says whether the marker is back, or none can be.
func (m *Markers) Passed(seq uint64) bool { return m.refused || seq <= m.back }

// Waiting says whether a marker is under way.
func (m *Markers) Waiting() bool { return !m.refused && m.back < m.sent }

// Refuse notes that the broker does not take markers.
func (m *Markers) Refuse() { m.refused = true }

// Overdue says whether the marker that is under way should be back: nothing has come for a
// while and nothing is unsettled here, or it takes too long. Then it counts as refused. Call it
// from time to time, with the numbers of deliveries that there were, and that are not settled.
func (m *Markers) Overdue(now, received, underWay int64) bool {
	if received != m.received || underWay > 0 {
		m.received, m.still = received, now
	}
	if !m.Waiting() || now-m.still <= int64(markerStill) && now-m.at <= int64(markerLimit) {
		return false
	}
	m.refused = true
	return true
}

func (m *Markers) send(now int64) uint64 {
	m.sent++
	m.at, m.still = now, now
	return m.sent
}
