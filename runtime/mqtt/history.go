package mqtt

import (
	"time"

	"chanmqttproxy/messages"
)

const (
	// versionMemory is how long a fall-back to 3.1.1 lasts, since brokers get updated.
	versionMemory = time.Hour
	// longestConnect is the most time that a CONNECT gets, unless the configured time
	// is longer.
	longestConnect = time.Minute
	// doubtsBefore5 is how many version 5 CONNECTs in a row must end doubtfully before 3.1.1
	// is tried, and doubtsAfter5 the same for a server that has spoken 5.
	doubtsBefore5, doubtsAfter5 = 2, 10
)

// history is what a Dialer has learned about one server: how long it takes to answer a CONNECT, which
// version it speaks, and whether the session that it stores is ours. The zero value knows nothing.
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

// slow notes that the server accepted a connection and did not answer in time. It doubles the time.
func (h *history) slow(configured time.Duration) {
	h.limit = min(2*h.connectTime(configured), longestConnect)
}

// answered notes that CONNECT succeeded, and how long it took. The next one may take twice as long.
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

// failed notes why a CONNECT of that version failed. A broker may refuse version 5 explicitly, close
// the connection, or not answer. The latter two can have other reasons: after some of them in a row
// 3.1.1 is tried, and if the server does not answer that either, the version was not the reason.
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

// mustDrop says whether the unknown session of a client id must be dropped before it is used.
func (h *history) mustDrop(clientID string) bool {
	return h.dropped != clientID && h.begun != clientID
}

// hasDropped notes that the server was made to drop its session.
func (h *history) hasDropped(clientID string) { h.dropped, h.begun = clientID, "" }

// opened takes in what a CONNACK says about a session that was unknown, and returns whether it is ours.
// A session that is present although it was dropped is not ours. Some brokers answer first and clean up
// later, so the next attempt looks again. If it is still there it is dropped again: some brokers forget
// a session only when it has not been asked for in a while.
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
