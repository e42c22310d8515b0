package reconnect

import "time"

const (
	// Stable is how long a connection must have lived for the next attempt to count as a
	// first one.
	Stable = 5 * time.Second
	// briefLimit is how many failed attempts a connection that broke early counts for at
	// most: a server that answers is not waited for as long as one that does not.
	briefLimit = 5
)

// Attempts are those at one connection. The zero value is before the first.
type Attempts struct {
	failed int
	brief  int
	begun  time.Time     // the last attempt
	took   time.Duration // the last attempt, where it failed
	since  time.Time     // of the live connection; zero: there is none
	atOnce bool
}

// Loss is how a connection, or an attempt at one, ended.
type Loss struct {
	// TakenOver: another client has taken the session. The two would trade it without end.
	TakenOver bool
	// Explained: it was the price of finding something out, and counts for nothing.
	Explained bool
}

// Begin begins an attempt and returns how long it waits: what is left of the delay after
// an attempt that took its time.
func (a *Attempts) Begin(b Backoff, now time.Time) (pause time.Duration) {
	if !a.atOnce {
		pause = max(0, b.Delay(a.failed)-a.took)
	}
	a.atOnce, a.begun = false, now.Add(pause)
	return pause
}

// Connected notes that the attempt has made a connection.
func (a *Attempts) Connected(now time.Time) { a.since = now }

// Up says whether there is a connection.
func (a *Attempts) Up() bool { return !a.since.IsZero() }

// Lived is for how long there has been a connection.
func (a *Attempts) Lived(now time.Time) time.Duration { return now.Sub(a.since) }

// Again has the next attempt follow at once, as one that does not count.
func (a *Attempts) Again() { a.atOnce = true }

// Lost notes the end of the connection, or of an attempt. Early says that there was a
// connection, and that it was not stable.
func (a *Attempts) Lost(l Loss, now time.Time) (early bool) {
	up, stable := a.Up(), a.Up() && a.Lived(now) >= Stable
	a.took = 0
	if !up {
		a.took = max(0, now.Sub(a.begun))
	}
	a.since = time.Time{}
	switch {
	case l.Explained:
		a.failed = 0
		return false
	case stable && !l.TakenOver:
		a.failed, a.brief = 0, 0
	case up:
		a.failed = min(a.failed+1, briefLimit)
	default:
		a.failed++
	}
	if early = up && !stable; early {
		a.brief++
	}
	return early
}

// Failed is how many attempts in a row count as failed.
func (a *Attempts) Failed() int { return a.failed }

// Brief is how many connections in a row were not stable.
func (a *Attempts) Brief() int { return a.brief }
