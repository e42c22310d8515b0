package mqtt

import "time"

const (
	// A broker that sends at least replayPackets packets again on replayResumes resumes in a
	// row will do so for ever. A single packet may be a new message that is equal.
	replayResumes, replayPackets = 3, 2
	// replayLimit is how many packets of a connection are remembered.
	replayLimit = 1024
)

// replays finds out whether a broker sends packets of QoS 1 again whenever a session is resumed, although
// they were acknowledged on each connection. An acknowledgement counts once the broker has answered a
// later PINGREQ: a PUBACK may be lost with its connection. It is pure.
type replays struct {
	before map[replayKey]int // known to be acknowledged on the connection before: how often they had come back
	back   map[replayKey]int // come back on this one
	acked  map[replayKey]time.Time
	read   map[replayKey]int // of acked, those that the broker has read
	found  int
}

// replayKey names a packet and what is in it.
type replayKey struct {
	id  uint16
	sum uint64
}

// resume begins a connection.
func (r *replays) resume(present bool) {
	before := r.read
	if !present {
		before = nil
	}
	*r = replays{before: before, back: map[replayKey]int{}, acked: map[replayKey]time.Time{}, read: map[replayKey]int{}}
}

// arrived notes a packet.
func (r *replays) arrived(k replayKey) {
	n, again := r.before[k]
	if !again || r.back[k] > 0 {
		return
	}
	r.back[k] = n + 1
	if n+1 >= replayResumes {
		r.found++
	}
}

// acknowledged notes that a packet is about to be acknowledged.
func (r *replays) acknowledged(k replayKey, now time.Time) {
	if len(r.acked)+len(r.read) < replayLimit {
		r.acked[k] = now
	}
}

// answered notes the answer to the PINGREQ sent at that time, and says whether the session should be
// dropped.
func (r *replays) answered(pinged time.Time) bool {
	for k, at := range r.acked {
		if at.Before(pinged) {
			delete(r.acked, k)
			r.read[k] = r.back[k]
		}
	}
	return r.found >= replayPackets
}
