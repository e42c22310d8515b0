package reconcile

import "slices"

// Busy says whether requests wait for answers that may still come in time.
func (p *Plan) Busy() bool {
	return slices.ContainsFunc(p.flying, func(f *flight) bool { return !f.late })
}

// Settled says whether there is a result on every filter: of the live connection, or an
// earlier refusal.
func (p *Plan) Settled() bool {
	return p.up && !p.pending(func(e *Entry) bool { return e.open() && !e.Refused() })
}

// idle says whether nothing is to be asked for, nor waited for.
func (p *Plan) idle() bool { return !p.pending((*Entry).open) }

// pending says whether there are entries of a kind that are to be asked for, or whose
// answer has not come.
func (p *Plan) pending(kind func(*Entry) bool) bool {
	in := func(list []*Entry, where place) bool {
		return slices.ContainsFunc(list, func(e *Entry) bool { return e.where == where && kind(e) })
	}
	return in(p.queue, inQueue) || in(p.singles, inSingles) ||
		slices.ContainsFunc(p.groups, func(g group) bool { return in(g.entries, inGroups) }) ||
		slices.ContainsFunc(p.flying, func(f *flight) bool { return slices.ContainsFunc(p.unanswered(f), kind) })
}

// Missing is how many filters are wanted that the server does not take.
func (p *Plan) Missing() int { return len(p.refused) }

// Held is how many filters the session at the server has.
func (p *Plan) Held() int { return p.held }

// Wary says whether a candidate is tried, or about to be: what else may cost the
// connection is not to be sent now.
func (p *Plan) Wary() bool {
	if p.doubted && !p.Settled() {
		return p.Busy() || p.sent == 0
	}
	return len(p.singles) > 0 && p.sent == 0 ||
		slices.ContainsFunc(p.flying, func(f *flight) bool { return f.kind == alone && !f.late })
}
