package reconcile

import (
	"slices"
	"time"

	"chanmqttproxy/messages"
)

// flight is a request that has no answer.
type flight struct {
	Request
	kind     flightKind
	chain    *chain
	sent     time.Time
	due      time.Time
	late     bool // it has taken too long
	divided  bool // parts of it were sent
	promised int  // filters that are new to the session
}

type flightKind byte

const (
	ordinary flightKind = iota
	part                // a group of candidates, or a refused filter once more
	alone               // one candidate, with nothing else under way
	sign                // of life: a filter that the server has
)

// send makes a request of entries.
func (p *Plan) send(step *Step, kind flightKind, entries []*Entry, c *chain, now time.Time) *flight {
	p.last++
	f := &flight{Request: Request{ID: p.last, Entries: entries}, kind: kind, chain: c, sent: now}
	for _, e := range entries {
		if kind != sign {
			e.where, e.flight = nowhere, f.ID
		}
		if !e.here {
			f.promised++
		}
	}
	p.sent++
	f.due = now.Add(p.timeout(kind))
	p.flying = append(p.flying, f)
	step.Send = append(step.Send, f.Request)
	return f
}

func (p *Plan) timeout(kind flightKind) time.Duration {
	least := partTime
	if kind == ordinary {
		least = answerTime
	}
	return min(max(least, 2*p.at.slowest), longest)
}

// unanswered are those of a flight's entries that wait for this very answer.
func (p *Plan) unanswered(f *flight) (list []*Entry) {
	for _, e := range f.Entries {
		if e.flight == f.ID && e.open() {
			list = append(list, e)
		}
	}
	return list
}

func (p *Plan) take(id uint64) *flight {
	i := slices.IndexFunc(p.flying, func(f *flight) bool { return f.ID == id })
	if i < 0 {
		return nil
	}
	f := p.flying[i]
	p.flying = slices.Delete(p.flying, i, i+1)
	return f
}

// maybeFull says whether a code may mean that the packet is too large, or the session full, and
// not be about one filter.
func maybeFull(code byte) bool {
	return code == messages.ReasonUnspecified || code == messages.ReasonQuotaExceeded
}

// tooMany says whether an answer may mean that there are too many filters: all its codes are
// one that may.
func tooMany(codes []byte) bool {
	return !slices.ContainsFunc(codes, func(c byte) bool { return c != codes[0] || !maybeFull(c) })
}

// Answered takes a SUBACK in: a code for each filter of the request, in their order.
func (p *Plan) Answered(id uint64, codes []byte, now time.Time) {
	f := p.take(id)
	if f == nil || len(codes) != len(f.Entries) {
		return
	}
	p.lastAnswer = now
	p.at.slowest = max(p.at.slowest, now.Sub(f.sent))
	if f.kind == sign {
		return
	}
	if open := p.unanswered(f); len(open) > 1 && !open[0].Refused() && tooMany(codes) {
		p.divide(f, open)
		return
	}
	if f.late {
		p.at.size = max(p.at.size, min(len(codes), p.batch))
	}
	for i, e := range f.Entries {
		if e.dropped {
			e.flight = 0
			continue
		}
		if e.doubt != nil {
			for c := e.doubt.chain; c != nil; c = c.of {
				c.fits = max(c.fits, len(codes))
			}
		}
		e.flight = 0
		if codes[i] < 0x80 {
			p.at.proven = max(p.at.proven, len(codes))
			p.granted(f, e)
		} else {
			p.refuse(e, Answered, codes[i], now)
		}
	}
	p.calmer()
}

func (p *Plan) granted(f *flight, e *Entry) {
	e.known = true
	p.pulse = e
	if e.where == inGroups || e.where == inSingles {
		e.where = nowhere
	}
	if !e.here {
		e.here = true
		p.held++
	}
	if f.kind == alone && e.doubt != nil && e.doubt.atPeak {
		p.at.evidence += 2 // it is not the filter
	}
	if p.held > p.at.peak {
		p.at.peak, p.at.evidence, p.at.failed = p.held, 0, nil
	}
	over := p.at.limit > 0 && p.held > p.at.limit
	if over {
		p.at.limit = 0
		p.at.wrong++
	}
	if e.Refused() {
		over = over || e.doubt.kind == Full && p.at.limit == 0
		delete(p.refused, e)
		p.results = append(p.results, Result{Entry: e, Kind: Accepted, New: true})
	}
	p.decided(e, false)
	e.doubt = nil
	if over {
		p.at.pause = 0
		p.room()
	}
}

// calmer ends what was in doubt, where nothing is any more.
func (p *Plan) calmer() {
	if len(p.groups) == 0 && !p.Busy() {
		p.part = 0
	}
	if p.idle() {
		p.doubted, p.closed = false, 0
	}
}

// decided ends the part of an Entry in the chains that it is in; cause says that it
// explains why the packets failed.
func (p *Plan) decided(e *Entry, cause bool) {
	if e.doubt == nil {
		return
	}
	c := e.doubt.chain
	e.doubt.chain = nil
	for ; c != nil; c = c.of {
		c.left--
		c.cause = c.cause || cause
		if c.left == 0 && !c.cause && c.fits > 0 {
			p.learn(c)
		}
	}
}

// learn takes in that the size alone made a packet fail. A part may have failed because
// of the network: that is believed the second time.
func (p *Plan) learn(c *chain) {
	switch {
	case c.of == nil:
		p.at.size = min(c.fits, p.batch)
	case p.at.small:
		p.at.size = min(p.at.size, c.fits)
	}
	p.at.small = c.of != nil
}

// divide makes groups of what was in a packet that failed, to be tried first.
func (p *Plan) divide(f *flight, entries []*Entry) {
	var parts []group
	for _, some := range p.parts(f, entries) {
		for _, e := range some {
			e.flight, e.where = 0, inGroups
		}
		parts = append(parts, group{some, f.chain})
	}
	p.groups = append(parts, p.groups...)
}

// parts divides entries, and notes that they are of a packet that failed.
func (p *Plan) parts(f *flight, entries []*Entry) (list [][]*Entry) {
	f.chain = &chain{of: f.chain, left: len(entries)}
	for _, e := range entries {
		e.doubted().chain = f.chain
	}
	p.part = (len(entries) + divideInto - 1) / divideInto
	for some := range slices.Chunk(entries, p.part) {
		list = append(list, some)
	}
	return list
}

// Unanswered notes that nobody waits for the answer to a request any more.
func (p *Plan) Unanswered(id uint64, now time.Time) {
	f := p.take(id)
	if f == nil {
		return
	}
	open := p.unanswered(f)
	switch {
	case len(open) == 1 && f.kind != sign:
		p.refuse(open[0], Silent, 0, now)
	case len(open) > 1:
		p.divide(f, open)
	}
}
