package actors

import "time"

// fullSaid is how often it is logged at most that a stream is full.
const fullSaid = time.Minute

// waits is how long a stream has had no room, and when that was logged.
type waits struct {
	since time.Time // zero: it has room
	said  time.Time
}

// full notes that the stream has no room. It returns how soon to look again, whether that
// is new, and whether it is to be logged.
func (w *waits) full(now time.Time) (pause time.Duration, begins, log bool) {
	if begins = w.since.IsZero(); begins {
		w.since = now
	}
	if log = begins && (w.said.IsZero() || now.Sub(w.said) >= fullSaid); log {
		w.said = now
	}
	if now.Sub(w.since) >= stuckAfter {
		return stuckRetry, begins, log
	}
	return fullRetry, begins, log
}

// over notes that there is room, and says whether there was none before.
func (w *waits) over() bool {
	was := !w.since.IsZero()
	w.since = time.Time{}
	return was
}
