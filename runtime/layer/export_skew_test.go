package layer

import "time"

// Sightings feeds commands' dates, in seconds after now, that came within fresh seconds to
// what judges the site's clocks, each at so many minutes; and returns what is known then.
type Sightings struct{ s sightings }

func (s *Sightings) See(at time.Time, oldest, newest, now, fresh float64) (sure SiteClock, behind time.Duration) {
	s.s.see(sighting{oldest, newest, now, time.Duration(fresh * float64(time.Second))}, at)
	return s.s.sure(), s.s.behind.by
}

// ReadSiteClock reads what SiteClock.String wrote.
func ReadSiteClock(text string) SiteClock { return readSiteClock(text) }

// Cutoff is the newest date of what has lived for a life when the clock stands at now,
// and a site may be behind.
func Cutoff(now time.Time, life int, behind time.Duration) int64 {
	c := clock{stopped: now}
	c.behind.Store(int64(behind))
	return c.cutoff(life)
}
