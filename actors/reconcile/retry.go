package reconcile

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// retryPause is the time until a refused filter is tried again; where that may cost
	// the connection it doubles up to retryMax, and few of them are tried in that time.
	retryPause = 5 * time.Minute
	retryMax   = time.Hour
	// firstPause is how soon it is looked whether a limit is one.
	firstPause = 30 * time.Second
	// askedMore is how much more often than by itself a filter is tried again at most that
	// somebody asks for, where that may cost the connection.
	askedMore = 10
)

// jitter spreads a time by a tenth.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5)
}

// refuse notes that the server does not take a filter.
func (p *Plan) refuse(e *Entry, kind Kind, code byte, now time.Time) {
	d := e.doubted()
	p.decided(e, true)
	changed := !d.refused || d.kind != kind || d.code != code
	switch {
	case !changed && kind == Closed:
		d.pause = min(2*d.pause, retryMax)
	default:
		d.pause = retryPause
	}
	d.refused, d.again, d.strikes = true, false, 0
	d.kind, d.code, d.tried, d.due = kind, code, now, now.Add(jitter(d.pause))
	if kind.costly() && p.risk.Before(now) {
		p.risk = d.due
	}
	if e.here && kind != Silent {
		e.here = false
		p.held--
	}
	if e.where != nowhere {
		e.where = nowhere
	}
	p.refused[e] = struct{}{}
	p.retries = time.Time{}
	p.report(e, changed)
}

func (p *Plan) report(e *Entry, changed bool) {
	d := e.doubt
	p.results = append(p.results, Result{Entry: e, Kind: d.kind, Code: d.code, Limit: p.at.limit, New: changed})
}

// Recall notes a result of an earlier process on a filter that is asked for. It is repeated, and the filter is tried
// again at its own pace.
func (p *Plan) Recall(e *Entry, kind Kind, code byte, now time.Time) {
	if e.order == 0 || e.dropped || e.flight != 0 || e.known || e.Refused() {
		return
	}
	p.refuse(e, kind, code, now)
	e.doubt.tried = time.Time{}
	if kind == Full {
		p.risk = now.Add(firstPause)
	}
	p.results[len(p.results)-1].New = false
}

// anew tries a refused filter again since somebody asks for it.
func (p *Plan) anew(e *Entry, now time.Time) {
	d := e.doubt
	if d.kind.costly() && (now.Sub(d.tried) < d.pause/askedMore || d.kind == Full && p.at.limit > 0 && p.held >= p.at.limit) {
		p.report(e, false)
		return
	}
	p.again(e, now)
}

// again tries a refused filter once more, alone.
func (p *Plan) again(e *Entry, now time.Time) {
	d := e.doubt
	d.again, d.tried = true, now
	if d.kind == Closed {
		d.strikes = 1 // it was seen before
		p.single(e)
		return
	}
	p.together([]*Entry{e})
}

// waiting are the refused filters that hold for a condition, in the order of their coming.
func (p *Plan) waiting(holds func(*doubt) bool) (list []*Entry) {
	for e := range p.refused {
		if !e.doubt.again && holds(e.doubt) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b *Entry) int { return cmp.Compare(a.order, b.order) })
	return list
}

// room asks for filters for which there was none.
func (p *Plan) room() {
	lacked := p.waiting(func(d *doubt) bool {
		return d.kind == Full || d.kind == Answered && maybeFull(d.code)
	})
	room := 1
	if p.at.limit > 0 {
		room = p.at.limit - p.held - p.newUnderWay()
	} else if len(lacked) > 0 && lacked[0].doubt.kind == Full {
		room = len(lacked) // there is no limit any more
	}
	for _, e := range lacked[:min(max(room, 0), len(lacked))] {
		e.doubt.again = true
		if e.doubt.kind == Full {
			p.push(e)
			continue
		}
		p.together([]*Entry{e})
	}
}

// newUnderWay is how many filters are on their way that are new to the session.
func (p *Plan) newUnderWay() (n int) {
	for _, f := range p.flying {
		if !f.late {
			n += f.promised
		}
	}
	return n
}

// retry tries refused filters again whose time has come: one that may cost the
// connection, and all others.
func (p *Plan) retry(now time.Time) (wake time.Time) {
	if len(p.refused) == 0 {
		return wake
	}
	if p.retries.After(now) {
		return p.retries
	}
	costly := false
	var answered []*Entry
	list := p.waiting(func(d *doubt) bool { return true })
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	slices.SortStableFunc(list, func(a, b *Entry) int { return a.doubt.tried.Compare(b.doubt.tried) })
	for _, e := range list {
		due := e.doubt.due
		if e.doubt.kind.costly() {
			if costly {
				continue
			}
			if e.doubt.kind == Full {
				due = p.risk
			}
			due = later(due, p.risk)
		}
		if due.After(now) {
			wake = sooner(wake, due)
			continue
		}
		if e.doubt.kind.costly() {
			costly = true
			p.at.pause = min(max(2*p.at.pause, 2*firstPause), retryMax)
			p.risk = now.Add(jitter(p.at.pause))
		}
		if e.doubt.kind == Answered {
			e.doubt.again, e.doubt.tried = true, now
			answered = append(answered, e)
		} else {
			p.again(e, now)
		}
	}
	for some := range slices.Chunk(answered, p.at.size) {
		p.together(some)
	}
	p.retries = wake
	return wake
}

// together tries filters once more in one packet.
func (p *Plan) together(entries []*Entry) {
	for _, e := range entries {
		e.where = inGroups
	}
	p.groups = append(p.groups, group{entries: entries})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sooner is the earlier of two times, of which the zero one is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
