package actors

import (
	"errors"
	"time"

	"chanmqttproxy/actors/reconnect"
	"chanmqttproxy/messages"
)

// hosts is what is known of the hosts from which commands are read. Redis counts as up
// while one of them is.
type hosts struct {
	list  []host
	known bool // a host was reached, or all were found away: up has a meaning
	up    bool
}

type host struct {
	name     string
	reached  bool      // the present connection is there
	asked    int       // for how many commands it was asked; 0: it was not
	attempts int       // failed ones in a row
	since    time.Time // when it was reached
	trouble  string    // why it is away; empty: it is not known to be
}

// hostChange is what is to be said when a host is reached or lost.
type hostChange byte

const (
	noChange    hostChange = iota
	layerUp                // the first is reached
	layerAway              // the last is lost, or is away for another reason
	oneHostBack            // one more is reached that was away
	oneHostAway            // one is lost; others are not
)

func newHosts(names []string) hosts {
	h := hosts{list: make([]host, len(names))}
	for i, name := range names {
		h.list[i].name = name
	}
	return h
}

// reached notes that a host has answered.
func (h *hosts) reached(i int, now time.Time) hostChange {
	host := &h.list[i]
	wasAway := host.trouble != ""
	host.reached, host.since, host.trouble = true, now, ""
	switch {
	case !h.known || !h.up:
		h.known, h.up = true, true
		return layerUp
	case wasAway:
		return oneHostBack
	}
	return noChange
}

// lost notes that a connection was lost, or not made; err is nil where that was a bug. After
// a connection that has lived for a while the next attempt counts as a first one.
func (h *hosts) lost(i int, err error, now time.Time) hostChange {
	host := &h.list[i]
	lived := host.reached && now.Sub(host.since) >= reconnect.Stable
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
		return noChange
	}
	host.attempts++
	if err == nil {
		return noChange
	}
	trouble := noAnswer
	if known && f.Answered {
		trouble = f.Err.Error()
	}
	if trouble == host.trouble {
		return noChange
	}
	host.trouble = trouble
	for _, other := range h.list {
		if other.trouble == "" {
			return oneHostAway
		}
	}
	h.known, h.up = true, false
	return layerAway
}

// noAnswer is the trouble of a host that did not answer.
const noAnswer = "no answer"

// took notes that a host has given what it was asked for.
func (h *hosts) took(i int) { h.list[i].asked, h.list[i].attempts = 0, 0 }

// ask returns for how many commands each host is to be asked now; 0: for none. There is room
// for so many, of a window. Each has its share of the window; where what is under way leaves
// less than that, one command of each may exceed it.
func (h *hosts) ask(room, window int) []int {
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

// trouble is why Redis is away; empty: it is not known to be.
func (h *hosts) trouble() string {
	if !h.known || h.up {
		return ""
	}
	return h.list[0].trouble
}
