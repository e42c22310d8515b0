package reconcile

import "time"

// Next says what to do now.
func (p *Plan) Next(now time.Time) (step Step) {
	if p.up {
		p.overdue(&step, now)
		step.Wake = p.all(&step, now)
		if p.Settled() {
			retries := p.retry(now)
			step.Wake = sooner(p.all(&step, now), retries)
		}
		for _, f := range p.flying {
			if !f.divided {
				step.Wake = sooner(step.Wake, f.due)
			}
		}
	}
	step.Results, p.results = p.results, nil
	return step
}

// all makes the requests that are to be made now, and says when there may be another.
func (p *Plan) all(step *Step, now time.Time) (wake time.Time) {
	for sent := true; sent; {
		wake, sent = p.one(step, now)
	}
	return wake
}

// overdue does what follows from answers that have not come.
func (p *Plan) overdue(step *Step, now time.Time) {
	for _, f := range p.flying {
		open := p.unanswered(f)
		if f.divided || f.due.After(now) {
			continue
		}
		f.late = true
		alive := !p.lastAnswer.Before(f.sent)
		switch {
		case len(open) == 0 || f.kind == sign:
			f.divided = true
		case len(open) == 1 && alive:
			f.divided = true
			p.refuse(open[0], Silent, 0, now)
		case len(open) > 1 && (alive || f.kind == ordinary || p.held == 0):
			f.divided = true
			for _, some := range p.parts(f, open) {
				p.send(step, part, some, f.chain, now)
			}
		default: // is there anybody?
			f.due = now.Add(partTime)
			if e := p.any(); e != nil {
				p.send(step, sign, []*Entry{e}, nil, now)
			}
		}
	}
}

// any is a filter that the session has, to be asked for once more as a sign of life; nil
// where there is none, or one was asked for.
func (p *Plan) any() *Entry {
	for _, f := range p.flying {
		if f.kind == sign && !f.late {
			return nil
		}
	}
	if p.pulse == nil || p.pulse.dropped || !p.pulse.here {
		return nil
	}
	return p.pulse
}

// one makes the next request, if there is one to be made now; else it says when.
func (p *Plan) one(step *Step, now time.Time) (wake time.Time, sent bool) {
	if !p.mayAsk() {
		return wake, false
	}
	p.sweep()
	if len(p.singles) > 0 && p.sent == 0 {
		return p.oneSingle(step, now)
	}
	if len(p.groups) > 0 && !p.Busy() && (p.present || len(p.queue) == 0 || !p.queue[0].known) {
		g := p.groups[0]
		size := p.at.size
		if p.at.evidence > 0 {
			size = 1 // has the session room for any?
		}
		g.entries = g.entries[:min(len(g.entries), size)]
		wake, sent = p.first(step, now, part, g.entries, g.chain)
		if sent {
			if p.groups[0].entries = p.groups[0].entries[len(g.entries):]; len(p.groups[0].entries) == 0 {
				p.groups = p.groups[1:]
			}
		}
		return wake, sent
	}
	if p.sendOrdinary(step, now) {
		return wake, true
	}
	if len(p.singles) > 0 && !p.Busy() {
		return p.oneSingle(step, now)
	}
	return wake, sent
}

// oneSingle sends the first of the filters that go by themselves.
func (p *Plan) oneSingle(step *Step, now time.Time) (wake time.Time, sent bool) {
	if wake, sent = p.first(step, now, alone, p.singles[:1], nil); sent {
		p.singles = p.singles[1:]
	}
	return wake, sent
}

// first sends entries, or says when it may.
func (p *Plan) first(step *Step, now time.Time, kind flightKind, entries []*Entry, c *chain) (wake time.Time, sent bool) {
	ready := p.since.Add(calm)
	switch e := entries[0]; {
	case kind == alone:
		ready = later(p.since, p.lastAnswer).Add(calm)
	case e.Refused() && !e.doubt.kind.costly():
		ready = now
	}
	if ready.After(now) {
		return ready, false
	}
	p.send(step, kind, entries, c, now)
	return wake, true
}

// mayAsk says whether a request may join those under way: ordinary ones of less than a
// batch may be several.
func (p *Plan) mayAsk() bool {
	n := 0
	for _, f := range p.flying {
		if f.late {
			continue
		}
		if f.kind != ordinary || p.doubted {
			return false
		}
		n += len(f.Entries)
	}
	safe := len(p.groups)+len(p.singles) == 0 || len(p.queue) > 0 && p.queue[0].known && p.size() <= p.at.proven
	return n == 0 || safe && p.size() < p.batch && n+p.size() <= p.batch
}

// size is how many filters the next ordinary request may have.
func (p *Plan) size() int {
	if p.part > 0 {
		return min(max(p.part, p.at.proven), p.at.size)
	}
	return p.at.size
}

// sendOrdinary makes an ordinary request of what waits.
func (p *Plan) sendOrdinary(step *Step, now time.Time) bool {
	var entries []*Entry
	var kept []*Entry
	size, promised := p.size(), p.held+p.newUnderWay()
	i := 0
	for ; i < len(p.queue) && len(entries) < size; i++ {
		e := p.queue[i]
		switch {
		case e.where != inQueue || e.dropped:
		case e.flight != 0 && p.Busy(): // it is under way, and wanted otherwise now
			kept = append(kept, e)
		case p.at.limit > 0 && !e.here && promised >= p.at.limit:
			tried := e.doubt != nil && e.doubt.strikes > 0
			p.refuse(e, Full, 0, now)
			if !tried {
				e.doubt.tried = time.Time{}
			}
		default:
			if !e.here {
				promised++
			}
			e.where = nowhere
			entries = append(entries, e)
		}
	}
	if p.queue = p.queue[i:]; len(kept) > 0 {
		p.queue = append(kept, p.queue...)
	}
	if len(entries) == 0 {
		return false
	}
	p.send(step, ordinary, entries, nil, now)
	return true
}

// sweep drops what the lists still have of entries that stand elsewhere now.
func (p *Plan) sweep() {
	for len(p.queue) > 0 && p.queue[0].where != inQueue {
		p.queue = p.queue[1:]
	}
	for len(p.singles) > 0 && p.singles[0].where != inSingles {
		p.singles = p.singles[1:]
	}
	for len(p.groups) > 0 {
		g := &p.groups[0]
		var still []*Entry
		for _, e := range g.entries {
			if e.where == inGroups {
				still = append(still, e)
			}
		}
		if g.entries = still; len(still) > 0 {
			break
		}
		p.groups = p.groups[1:]
	}
}
