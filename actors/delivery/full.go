package delivery

import "time"

// fullLogged is how often it is logged at most that a stream is full.
const fullLogged = time.Minute

// full is how long a stream has had no room, and when that was logged.
type full struct {
	since  time.Time // zero: it has room
	logged time.Time
}

// noRoom notes that the stream has no room. It returns how soon to look again, whether that
// is new, and whether it is to be logged.
func (f *full) noRoom(now time.Time) (pause time.Duration, begins, log bool) {
	if begins = f.since.IsZero(); begins {
		f.since = now
	}
	if log = begins && (f.logged.IsZero() || now.Sub(f.logged) >= fullLogged); log {
		f.logged = now
	}
	if now.Sub(f.since) >= stuckAfter {
		return stuckRetry, begins, log
	}
	return fullRetry, begins, log
}

// over notes that there is room, and says whether there was none before.
func (f *full) over() bool {
	was := !f.since.IsZero()
	f.since = time.Time{}
	return was
}

// wait has the rest of the batch written when the stream may have room. It is not settled
// meanwhile: the MQTT broker keeps it, and what comes behind it.
func (t *Target) wait(e *Effects, now time.Time) {
	pause, begins, log := t.full.noRoom(now)
	if begins {
		t.limits.Stats.StreamsFull.Add(1)
	}
	e.NowFull = log
	e.Again = append(e.Again, Again{After: pause})
}

// hasRoom notes that a stream has taken all of a batch.
func (t *Target) hasRoom() {
	if t.full.over() {
		t.limits.Stats.StreamsFull.Add(-1)
	}
}
