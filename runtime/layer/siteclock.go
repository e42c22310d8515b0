package layer

import (
	"context"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// siteClock is what a client knows of the site's clocks. The one that reads commands sees
// them, beginning with what was known before it was started; it tells the others by Redis.
type siteClock struct {
	mu      sync.Mutex
	reading bool
	seen    sightings // of the one that reads
	stored  SiteClock // of others
	fresh   bool      // there is something to store
	logged  bool      // the log says that a clock is off
}

// sees takes in what commands show. What it means for what is removed holds at once.
func (c *Core) sees(g sighting) {
	b := &c.site
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.reading {
		b.reading, b.seen = true, known(b.stored, now)
	}
	before := b.seen.sure()
	b.seen.see(g, now)
	changed := b.seen.sure() != before
	if behind, ahead := g.skew(); changed || behind > 0 || ahead > 0 {
		b.fresh = true
	}
	c.allow()
	c.logClocks()
	if changed {
		notify(c.servers[0].doubt) // so that it is stored at once
	}
}

// allow has the clock allow for the site's that is furthest behind. It holds the lock.
func (c *Core) allow() {
	behind := c.site.stored.Behind
	if c.site.reading {
		behind = c.site.seen.behind.by
	}
	c.clock.behind.Store(int64(behind))
}

// logClocks logs once how the site's clocks are off, and when they are not any more.
func (c *Core) logClocks() {
	b := &c.site
	site := b.seen.sure()
	off := site != SiteClock{}
	if off == b.logged {
		return
	}
	if b.logged = off; !off {
		c.log.Info("the site's clock is right again")
		return
	}
	difference := Clocks(-time.Duration(c.servers[0].gauges.difference.Load()), site)
	c.log.Warn("clocks differ: "+difference+"; set all by NTP: the layer removes messages and memberships by the clocks of those who send",
		"site_behind", site.Behind.Round(time.Second), "site_ahead", site.Ahead.Round(time.Second))
}

// keepSiteClock stores what was seen, for as long as memberships live, or reads what
// others have stored.
func (c *Core) keepSiteClock(ctx context.Context, client *redis.Client) {
	b := &c.site
	b.mu.Lock()
	reading, fresh, seen := b.reading, b.fresh, b.seen.sure()
	b.fresh = false
	b.mu.Unlock()
	var text string
	var err error
	if reading && fresh {
		err = client.Set(ctx, c.keys.siteClock(), seen.String(), time.Duration(c.config.GroupExpiry)*time.Second).Err()
	} else if !reading {
		text, err = client.Get(ctx, c.keys.siteClock()).Result()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err != nil && err != redis.Nil:
		b.fresh = b.fresh || fresh // the next time
	case !reading:
		b.stored = readSiteClock(text)
		c.allow()
	}
}

// siteNow is how the site's clocks are as far as is known.
func (c *Core) siteNow() SiteClock {
	c.site.mu.Lock()
	defer c.site.mu.Unlock()
	if c.site.reading {
		return c.site.seen.sure()
	}
	return c.site.stored
}

// sawTaken takes in what a reader took: the dates of the oldest and the newest command,
// and Redis's time in seconds and microseconds. Fresh is since when they were not there.
func (c *Core) sawTaken(oldest, newest, sec, micro string, fresh time.Duration) {
	var n [4]float64
	for i, text := range []string{oldest, newest, sec, micro} {
		var err error
		if n[i], err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(n[i]) {
			return // not what a site sends
		}
	}
	c.sees(sighting{Oldest: n[0], Newest: n[1], Now: n[2] + n[3]/1e6, Fresh: fresh})
}

// memberships is of how many groups the newest membership is looked at.
const memberships = 100

// siteClockAt is what a host shows of the site's clocks to somebody who has read no
// command: what workers have stored, and dates in the future. What it cannot tell is left
// out.
func (c *Core) siteClockAt(ctx context.Context, s *server) SiteClock {
	stored, _ := s.redis.Get(ctx, c.keys.siteClock()).Result()
	keys := []string{c.keys.queue(c.config.Channel)}
	groups, _, _ := s.redis.Scan(ctx, 0, c.keys.group("*"), prefixStep).Result()
	keys = append(keys, groups[:min(len(groups), memberships)]...)
	pipe := s.redis.Pipeline()
	now := pipe.Time(ctx)
	newest := make([]*redis.ZSliceCmd, len(keys))
	for i, key := range keys {
		newest[i] = pipe.ZRangeWithScores(ctx, key, -1, -1)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	site := readSiteClock(stored)
	for _, cmd := range newest {
		for _, z := range cmd.Val() {
			g := sighting{Oldest: z.Score, Newest: z.Score, Now: float64(now.Val().UnixMicro()) / 1e6}
			_, ahead := g.skew()
			site.Ahead = max(site.Ahead, ahead)
		}
	}
	return site
}
