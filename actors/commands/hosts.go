package commands

import (
	"errors"
	"time"

	"chanmqttproxy/messages"
)

// Hosts is what is known of the hosts from which commands are read. Redis counts as up
// while one of them is.
type Hosts struct {
	list   []host
	stable time.Duration
	up     bool
}

type host struct {
	name     string
	reached  bool      // the present connection is there
	asked    int       // for how many commands it was asked; 0: it was not
	attempts int       // failed ones in a row
	since    time.Time // when it was reached
	reason   string    // why it is unreachable; empty: it is not known to be
}

// HostChange is what changes for the worker when a host is reached or lost.
type HostChange byte

// The changes.
const (
	NoChange         HostChange = iota
	LayerUp                     // the first is reached
	LayerUnreachable            // the last is lost, or is unreachable for another reason
	HostBack                    // one more is reached that was not
	HostUnreachable             // one is lost; others are not
)

// NewHosts knows nothing yet of the hosts with those names. A connection that has lived for
// the stable time was a good one.
func NewHosts(names []string, stable time.Duration) Hosts {
	h := Hosts{list: make([]host, len(names)), stable: stable}
	for i, name := range names {
		h.list[i].name = name
	}
	return h
}

// Reached notes that a host has answered.
func (h *Hosts) Reached(i int, now time.Time) HostChange {
	host := &h.list[i]
	wasUnreachable := host.reason != ""
	host.reached, host.since, host.reason = true, now, ""
	switch {
	case !h.up:
		h.up = true
		return LayerUp
	case wasUnreachable:
		return HostBack
	}
	return NoChange
}

// Lost notes that a connection was lost, or not made; err is nil where that was a bug. After
// a good connection the next attempt counts as a first one.
func (h *Hosts) Lost(i int, err error, now time.Time) HostChange {
	host := &h.list[i]
	lived := host.reached && now.Sub(host.since) >= h.stable
	host.reached, host.asked = false, 0
	if lived {
		host.attempts = 0
	}
	var f *messages.LayerFailure
	known := errors.As(err, &f)
	if known && f.Untold {
		if !lived {
			host.attempts++
		}
		return NoChange
	}
	host.attempts++
	if err == nil {
		return NoChange
	}
	reason := NoAnswer
	if known && f.Answered {
		reason = f.Err.Error()
	}
	if reason == host.reason {
		return NoChange
	}
	host.reason = reason
	for _, other := range h.list {
		if other.reason == "" {
			return HostUnreachable
		}
	}
	h.up = false
	return LayerUnreachable
}

// NoAnswer is why a host is unreachable that did not answer.
const NoAnswer = "no answer"

// Fetched notes that a host has given what it was asked for.
func (h *Hosts) Fetched(i int) { h.list[i].asked, h.list[i].attempts = 0, 0 }

// Ask returns for how many commands each host is to be asked now; 0: for none. There is room
// for so many, of a window. Each has its share of the window; where what is under way leaves
// less than that, one command of each may exceed it.
func (h *Hosts) Ask(room, window int) []int {
	limits := make([]int, len(h.list))
	if room <= 0 {
		return limits
	}
	for _, host := range h.list {
		room -= host.asked
	}
	share := max(1, window/len(h.list))
	for i := range h.list {
		if host := &h.list[i]; host.reached && host.asked == 0 {
			limits[i] = max(1, min(room, share))
			host.asked = limits[i]
			room -= limits[i]
		}
	}
	return limits
}

// Up says whether Redis is known to be there.
func (h *Hosts) Up() bool { return h.up }

// Reason is why Redis is unreachable; empty: it is not, or that is not known.
func (h *Hosts) Reason() string {
	if h.up {
		return ""
	}
	return h.list[0].reason
}

// Len is how many hosts there are.
func (h *Hosts) Len() int { return len(h.list) }

// Name is that of a host.
func (h *Hosts) Name(i int) string { return h.list[i].name }

// ReasonOf is why a host is unreachable; empty: it is not known to be.
func (h *Hosts) ReasonOf(i int) string { return h.list[i].reason }

// Attempts is how many attempts to reach a host have failed in a row.
func (h *Hosts) Attempts(i int) int { return h.list[i].attempts }
