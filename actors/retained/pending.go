package retained

import (
	"time"

	"chanmqttproxy/messages"
)

// A broker does not say when it has sent all retained messages of a filter. They
// are taken to have come when none has for Quiet, after the SUBACK and with
// none under way to the layer, which may hold the broker up; those who have waited
// for longest wait no longer while others come.
const (
	Quiet   = 2 * time.Second
	longest = time.Minute
)

// Pending is what a subscription knows of those who wait for its filter's retained
// messages. There is none, nil, where nobody ever has. A revision is that of the filter's Desired.
type Pending struct {
	targets map[messages.Target]uint64 // with recipients: revision of the last of them
	asked   uint64                     // revision of the last recipient
	granted uint64                     // revision up to which the broker was asked; 0: not on this connection
	ended   uint64                     // revision up to which all have come

	patient  uint64 // revision up to which the time is over at the deadline
	deadline time.Time
	came     time.Time // when the last message came
}

// NewPending is that of a filter for which nobody waits yet.
func NewPending() *Pending { return &Pending{targets: map[messages.Target]uint64{}} }

// Add notes a recipient.
func (r *Pending) Add(m messages.SendRetained) {
	r.targets[m.Target] = m.Revision
	r.asked = m.Revision
}

// Idle says that nobody waits, and that all that was asked for has come.
func (r *Pending) Idle() bool { return r == nil || len(r.targets) == 0 && r.asked <= r.ended }

// Granted notes that the broker was asked for the messages, and says whether Check is
// to be called.
func (r *Pending) Granted(revision uint64, now time.Time) bool {
	if r == nil || r.asked <= r.ended {
		return false
	}
	running := r.granted > 0
	r.granted, r.came = revision, now
	if !running {
		r.patient, r.deadline = revision, now.Add(longest)
	}
	return !running
}

// Interrupted notes that the messages are asked for again.
func (r *Pending) Interrupted() {
	if r != nil {
		r.granted = 0
	}
}

// Arrived notes that a message has come.
func (r *Pending) Arrived(now time.Time) {
	if r != nil {
		r.came = now
	}
}

// Leave notes that a target waits no more, and returns the revision of its last recipient,
// if it had any.
func (r *Pending) Leave(target messages.Target) (revision uint64, waited bool) {
	if r == nil {
		return 0, false
	}
	revision, waited = r.targets[target]
	delete(r.targets, target)
	return revision, waited
}

// Targets are those that wait.
func (r *Pending) Targets() (waiting []messages.Target) {
	if r == nil {
		return nil
	}
	for target := range r.targets {
		waiting = append(waiting, target)
	}
	return waiting
}

// Check says up to which revision the messages have come, 0 for none, and after how
// long to check again, 0 for never.
func (r *Pending) Check(now time.Time, underWay bool) (ended uint64, again time.Duration) {
	quiet := now.Sub(r.came)
	switch {
	case r.granted == 0:
		return 0, 0
	case quiet < Quiet && now.Before(r.deadline):
		return 0, Quiet - quiet
	case quiet < Quiet:
		ended = r.patient
		r.patient, r.deadline = r.granted, now.Add(longest)
		return ended, Quiet
	case underWay:
		r.came = now
		return 0, Quiet
	}
	ended, r.granted = r.granted, 0
	return ended, 0
}

// Complete takes those away who have got everything, and returns their targets.
func (r *Pending) Complete(revision uint64) (targets []messages.Target) {
	if r == nil {
		return nil
	}
	r.ended = max(r.ended, revision)
	if r.asked <= r.ended {
		r.granted = 0
	}
	for target, last := range r.targets {
		targets = append(targets, target)
		if last <= revision {
			delete(r.targets, target)
		}
	}
	return targets
}
