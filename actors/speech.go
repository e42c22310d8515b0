package actors

import (
	"time"

	"chanmqttproxy/messages"
)

// versionMemory is for how long a fall-back to 3.1.1 holds: brokers get
// updated.
const versionMemory = time.Hour

// speech decides which MQTT version to speak. A broker may refuse version 5 in
// so many words, or just close the connection, as one that stops does too:
// after two such closes in a row 3.1.1 is on trial, and unless the broker
// answers it, it was the network.
type speech struct {
	preferred messages.Version
	current   messages.Version
	unclear   int
	trial     bool
	fellBack  time.Time
}

func newSpeech(preferred messages.Version) speech {
	return speech{preferred: preferred, current: preferred}
}

// connected notes that the broker speaks the current version.
func (s *speech) connected() { s.unclear, s.trial = 0, false }

// failed notes the end of a connection or an attempt and says whether the
// version changed.
func (s *speech) failed(cause messages.Cause) bool {
	if s.preferred == messages.MQTT311 {
		return false
	}
	if s.current == messages.MQTT5 {
		return s.fallBack(cause)
	}
	return s.rise(cause)
}

// fallBack decides after a failure of version 5.
func (s *speech) fallBack(cause messages.Cause) bool {
	switch cause {
	case messages.ProtocolRefused:
		s.trial = false
	case messages.ProtocolUnclear:
		if s.unclear++; s.unclear < 2 {
			return false
		}
		s.trial = true
	default:
		s.unclear = 0
		return false
	}
	s.current, s.unclear, s.fellBack = messages.MQTT311, 0, time.Now()
	return true
}

// rise decides after a failure of 3.1.1 whether to try version 5 again.
func (s *speech) rise(cause messages.Cause) bool {
	switch {
	case cause == messages.ProtocolRefused:
	case s.trial && (cause == messages.Network || cause == messages.ProtocolUnclear):
	case time.Since(s.fellBack) > versionMemory:
	default:
		s.trial = false // the broker answered 3.1.1, if with a refusal
		return false
	}
	s.current, s.trial = messages.MQTT5, false
	return true
}
