package placement_test

import (
	"testing"
	"time"

	"chanmqttproxy/actors/placement"
)

// A marker that is asked for while one is under way is sent behind it: the one under way was
// sent too early to tell.
func TestMarkers(t *testing.T) {
	t.Parallel()
	var m placement.Markers
	seq, send := m.Ask(0)
	if seq != 1 || !send {
		t.Fatalf("asked for the first: %d, send %v; want 1, at once", seq, send)
	}
	seq, send = m.Ask(0)
	if seq != 2 || send {
		t.Errorf("asked while 1 is under way: %d, send %v; want 2, later", seq, send)
	}
	if next := m.Came(1, 0); next != 2 {
		t.Errorf("when 1 is back %d is sent, want 2", next)
	}
	if !m.Passed(1) || m.Passed(2) {
		t.Error("1 is back, and 2 is not")
	}
	if next := m.Came(2, 0); next != 0 || !m.Passed(2) || m.Waiting() {
		t.Error("2 is back, and no other is asked for")
	}
	if seq, send := m.Ask(0); seq != 3 || !send {
		t.Errorf("asked while none is under way: %d, send %v; want 3, at once", seq, send)
	}
}

// One that was under way when the connection was lost is followed by another.
func TestMarkersOfANewConnection(t *testing.T) {
	t.Parallel()
	var m placement.Markers
	if seq := m.Connected(0); seq != 0 {
		t.Errorf("marker %d is sent, and nobody has asked", seq)
	}
	m.Ask(0)
	asked, _ := m.Ask(0)
	if seq := m.Connected(0); seq != asked {
		t.Errorf("marker %d is sent on the new connection, want %d, for which somebody waits", seq, asked)
	}
	if m.Came(1, 0); m.Passed(asked) {
		t.Error("the former connection's marker does not tell what waits now")
	}
	if m.Came(asked, 0); !m.Passed(asked) {
		t.Error("it is back")
	}
}

// A broker may close the connection because of a marker.
func TestMarkersCostTheConnection(t *testing.T) {
	t.Parallel()
	var m placement.Markers
	asked, _ := m.Ask(0)
	for i := range 2 {
		if m.Connected(0) == 0 || m.Passed(asked) {
			t.Fatalf("no more markers after %d losses", i+1)
		}
	}
	if m.Connected(0) != 0 || !m.Passed(asked) {
		t.Error("a marker is sent again though three connections were lost with one under way")
	}
}

// A broker that keeps markers back without a word is found out when nothing else comes, or
// after two minutes.
func TestMarkersAreRefused(t *testing.T) {
	t.Parallel()
	const second = int64(time.Second)
	for _, c := range []struct {
		name               string
		at                 int64 // seconds after it was sent
		received, underWay int64 // then; 5 deliveries had come half a second before
		want               bool
	}{
		{"just sent", 4, 5, 0, false},
		{"nothing comes", 6, 5, 0, true},
		{"something comes", 6, 6, 0, false},
		{"something is not settled: the broker may wait for it", 6, 5, 1, false},
		{"something comes for two minutes", 121, 6, 0, true},
	} {
		var m placement.Markers
		m.Ask(0)
		m.Overdue(second/2, 5, 0)
		if got := m.Overdue(c.at*second, c.received, c.underWay); got != c.want {
			t.Errorf("%s: refused %v, want %v", c.name, got, c.want)
		} else if m.Passed(1) != c.want {
			t.Errorf("%s: passed %v, want %v: nobody waits for what is refused", c.name, m.Passed(1), c.want)
		}
	}
}

// What comes behind a marker was published since that was sent, on the same connection.
func TestMarkersSince(t *testing.T) {
	t.Parallel()
	var m placement.Markers
	want := func(when string, since int64) {
		t.Helper()
		if got := m.Since(); got != since {
			t.Errorf("%s: since %d, want %d", when, got, since)
		}
	}
	m.Ask(5)
	want("under way", 0)
	m.Came(1, 8)
	want("back", 5)
	m.Ask(10)
	m.Connecting()
	want("on a new connection", 0)
	m.Connected(20)
	m.Came(2, 25) // it had waited at the broker
	want("that of the former connection is back", 0)
	m.Came(3, 26)
	want("that of the new connection is back", 20)
}

// One that comes late shows that the broker takes markers.
func TestLateMarker(t *testing.T) {
	t.Parallel()
	const second = int64(time.Second)
	var m placement.Markers
	m.Ask(0)
	if !m.Overdue(121*second, 1, 1) {
		t.Error("a marker that is not back after 121 s is not refused")
	}
	if m.Came(1, 130*second); m.Waiting() {
		t.Error("it still waits")
	}
	if seq, send := m.Ask(50 * second); seq != 2 || !send {
		t.Errorf("the next one is %d, sent %v; want 2, at once", seq, send)
	}
}
