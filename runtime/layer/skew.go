package layer

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Clocks that differ are found out from the dates of commands. A command that was not
// there a moment ago was sent in that moment: what its date says else is how far the clock
// of its sender is off. Redis is the measure, since all see the same one.

const (
	// skewTolerance is what a slow sender or network may make of a right clock.
	skewTolerance = 5 * time.Second
	// skewSure is a difference that no delay explains; a smaller one is to be seen twice.
	skewSure = time.Minute
	// skewMemory is for how long after the last sighting right clocks do not refute a wrong
	// one: a site may be several processes on several machines.
	skewMemory = 10 * time.Minute
)

// sighting is what some commands say of the clocks of those who sent them, all in Unix
// seconds. None was there Fresh before Now; 0: nobody knows since when they were there.
type sighting struct {
	Oldest, Newest float64 // their dates
	Now            float64 // by Redis
	Fresh          time.Duration
}

// skew is how far a clock is behind at most and ahead at least; both 0: it is right, or
// that cannot be told.
func (s sighting) skew() (behind, ahead time.Duration) {
	if late := seconds(s.Now - s.Oldest); s.Fresh > 0 && late-s.Fresh > skewTolerance {
		behind = late
	}
	if early := seconds(s.Newest - s.Now); early > skewTolerance {
		ahead = early
	}
	return behind, ahead
}

// seconds is a difference as a duration; more than a century is one.
func seconds(s float64) time.Duration {
	const century = 100 * 365 * 24 * 3600
	return time.Duration(max(-century, min(s, century)) * float64(time.Second))
}

// SiteClock is how the clocks of a site's processes stand to that of Redis: the one that
// is furthest behind and the one that is furthest ahead; both 0: they are right, or none
// has been seen.
type SiteClock struct{ Behind, Ahead time.Duration }

// Skew is the greater of both, positive when it is ahead.
func (s SiteClock) Skew() time.Duration {
	if s.Ahead > s.Behind {
		return s.Ahead
	}
	return -s.Behind
}

// With is what both know together.
func (s SiteClock) With(o SiteClock) SiteClock {
	return SiteClock{max(s.Behind, o.Behind), max(s.Ahead, o.Ahead)}
}

// String is as SiteClock is stored; readSiteClock reads it.
func (s SiteClock) String() string {
	return fmt.Sprintf("%.3f %.3f", s.Behind.Seconds(), s.Ahead.Seconds())
}

// readSiteClock reads what String wrote. What others have written is nothing.
func readSiteClock(text string) (s SiteClock) {
	behind, ahead, _ := strings.Cut(text, " ")
	b, err1 := strconv.ParseFloat(behind, 64)
	a, err2 := strconv.ParseFloat(ahead, 64)
	if err1 != nil || err2 != nil || !(b >= 0) || !(a >= 0) {
		return SiteClock{}
	}
	return SiteClock{seconds(b), seconds(a)}
}

// sightings is what was seen of the site's clocks.
type sightings struct{ behind, ahead extreme }

// extreme is the clock that is furthest off to one side.
type extreme struct {
	by    time.Duration
	at    time.Time // when it was last seen
	times int       // and how often
}

// known are the sightings that a stored SiteClock was made of, as of now.
func known(s SiteClock, now time.Time) sightings {
	return sightings{extreme{s.Behind, now, 2}, extreme{s.Ahead, now, 2}}
}

// see takes a sighting in.
func (s *sightings) see(g sighting, now time.Time) {
	behind, ahead := g.skew()
	s.behind.see(behind, g.Fresh > 0, now)
	s.ahead.see(ahead, g.Fresh > 0, now)
}

func (e *extreme) see(by time.Duration, telling bool, now time.Time) {
	old := now.Sub(e.at) > skewMemory
	switch {
	case by > 0 && by > e.by-skewTolerance && by < e.by+skewTolerance:
		*e = extreme{max(by, e.by), now, e.times + 1}
	case by > e.by || by > 0 && old:
		*e = extreme{by, now, 1}
	case by == 0 && telling && old:
		*e = extreme{}
	}
}

// sure is what is sure of the clocks: to be told.
func (s *sightings) sure() SiteClock { return SiteClock{s.behind.sure(), s.ahead.sure()} }

func (e extreme) sure() time.Duration {
	if e.by >= skewSure || e.times > 1 {
		return e.by
	}
	return 0
}

// Clocks says of three clocks which is off, as a sentence: the one with which the two
// others do not agree. Worker is how far this machine's is ahead of Redis's. It is empty
// where all agree.
func Clocks(worker time.Duration, site SiteClock) string {
	skew := site.Skew()
	apart := func(d time.Duration) bool { return d.Abs() > skewTolerance }
	switch {
	case site.Behind > 0 && site.Ahead > 0:
		return fmt.Sprintf("the site's clocks differ: one is %s that of Redis, and one %s it", side(-site.Behind), side(site.Ahead))
	case !apart(skew) && !apart(worker):
		return ""
	case !apart(skew):
		return "the clock of the worker's machine is " + side(worker) + " that of Redis"
	case !apart(worker):
		return "the site's clock is " + side(skew) + " those of Redis and of the worker"
	case !apart(skew - worker):
		return "the clock of Redis is " + side(-skew) + " those of the site and of the worker"
	default:
		return fmt.Sprintf("all clocks differ: the site's is %s that of Redis, the worker's %s it", side(skew), side(worker))
	}
}

// side says on which side of another a clock is, and by how much.
func side(d time.Duration) string {
	word := "ahead of"
	if d < 0 {
		word = "behind"
	}
	return d.Abs().Round(time.Second).String() + " " + word
}
