package actors

import (
	"strconv"
	"strings"
	"time"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
)

// markers are the markers of a slot: see placement.Markers.
type markers struct {
	placement.Markers
	name     string // of this start of the slot; it precedes the sequence number in each marker
	checking bool   // a markerDue is on its way
}

func newMarkers() markers { return markers{name: strconv.FormatInt(time.Now().UnixNano(), 36) + " "} }

// markerTick is how often the marker under way is checked.
const markerTick = 200 * time.Millisecond

// markerDue comes when the marker under way has to be checked.
type markerDue struct{ stamp }

// mark asks for a marker and returns its sequence number. What waits at the broker now comes
// before it.
func (s *spread) mark() uint64 {
	seq, send := s.markers.Ask(arrival(time.Now()))
	if send {
		s.sendMarker(seq)
	}
	return seq
}

func (s *spread) sendMarker(seq uint64) {
	s.session.Tell(messages.Mark{Marker: s.markers.name + strconv.FormatUint(seq, 10)})
	if !s.markers.checking {
		s.markers.checking = true
		s.incarnation.after(markerTick, &markerDue{})
	}
}

// markerCame notes that a marker is back. It may be another slot's.
func (s *spread) markerCame(m messages.Marked) {
	if m.Marker == "" {
		s.markers.Connecting()
		return
	}
	if r, ok := placement.ParseResubscribing(m.Marker); ok {
		s.resubscribing(r)
		return
	}
	text, mine := strings.CutPrefix(m.Marker, s.markers.name)
	seq, err := strconv.ParseUint(text, 10, 64)
	if !mine || err != nil {
		return
	}
	if next := s.markers.Came(seq, arrival(time.Now())); next > 0 {
		s.sendMarker(next)
	}
	s.markersPassed()
}

// markerDue checks whether the marker under way is overdue.
func (s *spread) markerDue() {
	s.markers.checking = false
	switch {
	case s.markers.Overdue(arrival(time.Now()), s.flow.received.Load(), s.flow.underWay()):
		s.markersRefused("the marker did not come back")
	case s.markers.Waiting():
		s.markers.checking = true
		s.incarnation.after(markerTick, &markerDue{})
	}
}

// markersConnected sends the marker under way again. It may be lost with the former connection.
func (s *spread) markersConnected() {
	for _, d := range s.leaving {
		d.sure = false // an UNSUBSCRIBE may have had its effect on the former connection
	}
	waiting := s.markers.Waiting()
	if seq := s.markers.Connected(arrival(time.Now())); seq > 0 {
		s.sendMarker(seq)
	} else if waiting {
		s.markersRefused("each time the connection was lost")
	}
}

// markersRefused goes on without markers.
func (s *spread) markersRefused(reason string) {
	s.markers.Refuse()
	s.Log.Warn("the MQTT broker does not let the worker publish to itself: when MQTT_SESSIONS changes, messages that wait at the broker may be lost, and groups with overlapping filters in several session slots get messages twice",
		"topic", messages.MarkerTopics+"#", "reason", reason, "hint", "allow the worker to publish and subscribe to it")
	s.markersPassed()
}

// markersPassed continues what has waited for a marker.
func (s *spread) markersPassed() {
	for i, seq := range s.ends {
		if s.markers.Passed(seq) {
			delete(s.ends, i)
			s.incarnation.send(&handOverDue{Item: i})
		}
	}
	for _, d := range s.leaving {
		if d.marker > 0 && d.to == nil && s.markers.Passed(d.marker) {
			s.incarnation.send(&leaveDue{of: d})
		}
	}
}
