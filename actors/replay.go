package actors

import (
	"time"

	"chanmqttproxy/messages"
)

// A broker does not say when it has sent all retained values of a filter. They
// are taken to have come when none has for replayQuiet, after the SUBACK and with
// none under way to the layer, which may hold the broker up; those who have waited
// for replayLimit wait no longer while others come.
const (
	replayQuiet = 2 * time.Second
	replayLimit = time.Minute
)

// replay is what a subscription knows of those who wait for its filter's retained
// values. There is none, nil, where nobody ever has.
type replay struct {
	targets map[messages.Target]uint64 // with newcomers: serial of the last of them
	asked   uint64                     // serial of the last that came
	granted uint64                     // serial up to which the broker was asked; 0: not on this connection
	ended   uint64                     // serial up to which all have come

	patient  uint64 // serial of those whose time is over at the deadline
	deadline time.Time
	came     time.Time // when the last value came
	quiet    alarm     // when all may have come
}

func newReplay() *replay { return &replay{targets: map[messages.Target]uint64{}} }

// welcome notes a newcomer.
func (r *replay) welcome(m messages.Welcome) {
	r.targets[m.Target] = m.Serial
	r.asked = m.Serial
}

// begin notes that the broker was asked for the values, and says whether check is
// to be called.
func (r *replay) begin(serial uint64, now time.Time) bool {
	if r == nil || r.asked <= r.ended {
		return false
	}
	running := r.granted > 0
	r.granted, r.came = serial, now
	if !running {
		r.patient, r.deadline = serial, now.Add(replayLimit)
	}
	return !running
}

// interrupt notes that the values are asked for again.
func (r *replay) interrupt() {
	if r != nil {
		r.granted = 0
	}
}

// arrived notes that a value has come.
func (r *replay) arrived(now time.Time) {
	if r != nil {
		r.came = now
	}
}

// leave notes that a target waits no more, and returns the serial of its last newcomer,
// if it had any.
func (r *replay) leave(target messages.Target) (serial uint64, waited bool) {
	if r == nil {
		return 0, false
	}
	serial, waited = r.targets[target]
	delete(r.targets, target)
	return serial, waited
}

// stop ends the alarm, and returns the targets that wait.
func (r *replay) stop() (waiting []messages.Target) {
	if r == nil {
		return nil
	}
	r.quiet.stop()
	for target := range r.targets {
		waiting = append(waiting, target)
	}
	return waiting
}

// check says up to which serial the values have come, 0 for none, and after how
// long to check again, 0 for never.
func (r *replay) check(now time.Time, underWay bool) (ended uint64, again time.Duration) {
	quiet := now.Sub(r.came)
	switch {
	case r.granted == 0:
		return 0, 0
	case quiet < replayQuiet && now.Before(r.deadline):
		return 0, replayQuiet - quiet
	case quiet < replayQuiet:
		ended = r.patient
		r.patient, r.deadline = r.granted, now.Add(replayLimit)
		return ended, replayQuiet
	case underWay:
		r.came = now
		return 0, replayQuiet
	}
	ended, r.granted = r.granted, 0
	return ended, 0
}

// end takes those away who have got everything, and returns their targets.
func (r *replay) end(serial uint64) (targets []messages.Target) {
	if r == nil {
		return nil
	}
	r.ended = max(r.ended, serial)
	if r.asked <= r.ended {
		r.granted = 0
	}
	for target, last := range r.targets {
		targets = append(targets, target)
		if last <= serial {
			delete(r.targets, target)
		}
	}
	return targets
}
