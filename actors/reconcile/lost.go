package reconcile

import (
	"slices"
	"time"
)

// hurry is how many connections may be closed in the search, one at once after the other.
const hurry = 200

// Lost notes the end of a connection. Closed says that the server may have closed it
// because of what it was asked: not where it was silent, and not where another client
// has taken the session. The answer says whether that is believed, so that the next
// connection may be made at once; each time something new is tried then.
func (p *Plan) Lost(closed bool, now time.Time) (explained bool) {
	if !p.up {
		return false
	}
	flights := p.flying
	p.flying, p.up = nil, false
	var candidates []*flight
	open := 0
	for _, f := range flights {
		if f.Entries = p.unanswered(f); f.kind != sign && len(f.Entries) > 0 {
			candidates = append(candidates, f)
			open += len(f.Entries)
		}
		for _, e := range f.Entries {
			e.flight = 0
		}
	}
	if !closed || open == 0 {
		p.clear(candidates)
		return false
	}
	sorting := slices.ContainsFunc(candidates, func(f *flight) bool { return f.kind != ordinary })
	switch {
	case open == 1:
		p.strike(candidates[0], now)
	case !p.doubted && !sorting:
		p.doubted = true // it may have been the network: the same once more
		p.restore(candidates)
		return false
	case len(candidates) == 1:
		p.divide(candidates[0], candidates[0].Entries)
	default:
		p.separate(candidates)
	}
	p.doubted = false
	p.closed++
	return p.closed <= hurry
}

// clear notes that the network, or somebody else, cost the connection.
func (p *Plan) clear(candidates []*flight) {
	p.doubted = false
	p.restore(candidates)
	for _, e := range p.singles {
		if !e.Refused() {
			e.doubt.strikes = 0
		}
	}
}

// restore has flights asked for once more as they were.
func (p *Plan) restore(flights []*flight) {
	for _, f := range flights {
		switch f.kind {
		case part:
			p.separate([]*flight{f})
		case alone:
			p.single(f.Entries[0])
		default:
			for _, e := range f.Entries {
				p.push(e)
			}
		}
	}
}

// separate has each flight tried again by itself.
func (p *Plan) separate(flights []*flight) {
	for _, f := range flights {
		for _, e := range f.Entries {
			e.where = inGroups
		}
		p.groups = append(p.groups, group{f.Entries, f.chain})
	}
}

func (p *Plan) single(e *Entry) {
	e.where = inSingles
	p.singles = append(p.singles, e)
}

// strike holds it against a filter that the connection was closed while it alone was
// asked for.
func (p *Plan) strike(f *flight, now time.Time) {
	e := f.Entries[0]
	d := e.doubted()
	atPeak := !e.here && p.held > 0 && p.held >= p.at.peak && f.kind != alone
	if atPeak && d.refused && d.kind == Full && p.at.wrong == 0 {
		p.at.limit = p.held
		p.refuse(e, Full, 0, now)
		return
	}
	d.strikes++
	if atPeak {
		d.atPeak = true
		p.failedAtPeak(e)
	}
	if d.strikes > 1 {
		p.refuse(e, Closed, 0, now)
	} else {
		p.single(e)
	}
	if p.at.evidence >= crowd<<min(2*p.at.wrong, 6) {
		p.full(now)
	}
}

// failedAtPeak notes that a filter failed when the session had as many as ever. Each counts
// once.
func (p *Plan) failedAtPeak(e *Entry) {
	if !slices.Contains(p.at.failed, e) {
		p.at.failed = append(p.at.failed, e)
		p.at.evidence++
	}
	// The next that is tried is to be one of other origin: forbidden filters are often
	// neighbours.
	if n := len(p.groups); n > 1 {
		p.groups = append(p.groups[1:], p.groups[0])
	}
}

// full concludes that the session takes no more. What waits is asked for as far as there
// is room.
func (p *Plan) full(now time.Time) {
	failed := p.at.failed
	p.at.limit, p.at.evidence, p.at.failed = p.held, 0, nil
	p.risk = now.Add(firstPause)
	for _, e := range failed {
		if !e.dropped && e.Refused() {
			p.refuse(e, Full, 0, now)
		}
	}
	for _, g := range p.groups {
		for _, e := range g.entries {
			if e.where == inGroups {
				p.push(e)
			}
		}
	}
	for _, e := range p.singles {
		if e.where == inSingles {
			p.push(e)
		}
	}
	p.groups, p.singles = nil, nil
}
