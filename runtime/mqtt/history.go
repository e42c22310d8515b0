package mqtt

import (
	"time"

	"chanmqttproxy/messages"
)

const (
	// versionMemory is for how long a fall-back to 3.1.1 holds: brokers get updated.
	versionMemory = time.Hour
	// longestConnect is the most time that a CONNECT gets, unless the configured time
	// is longer.
	longestConnect = time.Minute
	// doubtsBefore5 is after how many doubtful ends of version 5 CONNECTs in a row
	// 3.1.1 is tried, and doubtsAfter5 is that of a server that did speak 5.
	doubtsBefore5, doubtsAfter5 = 2, 10
)

// history is what a Dialer has learned of one server: how long it takes to answer a
// CONNECT, which version it speaks, and what became of the session that it stores.
// The zero value knows nothing.
type history struct {
	limit time.Duration // of the next CONNECT, where it is more than the configured time

	doubts   int // CONNECTs of version 5 in a row that may have ended because of the version
	speaks5  bool
	fellBack time.Time // zero: version 5 is tried
	trial    bool      // 3.1.1 was not answered yet

	dropped string // the client id whose session was dropped and not seen to be gone since
	kept    int    // how often it was still there
	begun   string // the client id whose session was begun here, after it was dropped
}

// connectTime is how long the next CONNECT may take.
func (h *history) connectTime(configured time.Duration) time.Duration {
	return max(configured, h.limit)
}

// slow notes that the server accepted a connection and did not answer in time: it gets
// twice the time.
func (h *history) slow(configured time.Duration) {
	h.limit = min(2*h.connectTime(configured), longestConnect)
}

// answered notes a CONNACK of success, and how long it took: the next one may take
// twice as long.
func (h *history) answered(v messages.Version, took time.Duration) {
	h.limit = min(2*took, longestConnect)
	h.doubts, h.trial = 0, false
	h.speaks5 = v == messages.MQTT5
	if h.speaks5 {
		h.fellBack = time.Time{}
	}
}

// version is the one to try next.
func (h *history) version(preferred messages.Version, now time.Time) messages.Version {
	if preferred == messages.MQTT311 || !h.fellBack.IsZero() && (h.trial || now.Sub(h.fellBack) <= versionMemory) {
		return messages.MQTT311
	}
	return messages.MQTT5
}

// failed notes why a CONNECT of that version did not succeed. A broker may refuse
// version 5 explicitly, close the connection, or not answer at all. The latter two can
// have other reasons as well: after some of them in a row 3.1.1 is on trial, and unless
// the server answers it, the version was not the reason.
func (h *history) failed(v messages.Version, cause messages.Cause, now time.Time) {
	doubtful := cause == messages.ProtocolUnclear || cause == messages.Unanswered
	switch {
	case v == messages.MQTT311:
		if cause == messages.ProtocolRefused || h.trial && (doubtful || cause == messages.Network) {
			h.fellBack = time.Time{}
		}
		h.doubts, h.trial = 0, false
	case cause == messages.ProtocolRefused:
		h.doubts, h.trial, h.fellBack = 0, false, now
	case !doubtful:
		h.doubts = 0
	default:
		h.doubts++
		if h.doubts >= h.tolerated() {
			h.trial, h.fellBack = true, now
		}
	}
}

func (h *history) tolerated() int {
	if h.speaks5 {
		return doubtsAfter5
	}
	return doubtsBefore5
}

// mustDrop says whether the session under a client id, which nobody knows, has to be
// dropped before it is used.
func (h *history) mustDrop(clientID string) bool {
	return h.dropped != clientID && h.begun != clientID
}

// hasDropped notes that the server was made to drop its session.
func (h *history) hasDropped(clientID string) { h.dropped, h.begun = clientID, "" }

// opened takes in what a CONNACK says about a session that nobody knew, and says
// whether it is ours. One that is there although it was dropped is not: some brokers
// answer first and clean up later. It is looked for again, and dropped again where it is
// still there: some forget only what nobody has asked for in a while.
func (h *history) opened(clientID string, present bool) bool {
	if h.dropped != clientID {
		return true
	}
	if !present {
		h.dropped, h.begun, h.kept = "", clientID, 0
		return true
	}
	if h.kept++; h.kept%2 == 0 {
		h.dropped = ""
	}
	return false
}
