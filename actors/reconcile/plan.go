package reconcile

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

const (
	// answerTime is how long a server may take for an ordinary SUBSCRIBE before parts
	// of it are tried, and partTime for one of those and for a single filter.
	answerTime = 5 * time.Second
	partTime   = 3 * time.Second
	// longest is the most that both grow to for a slow server.
	longest = 20 * time.Second
	// calm is how long a connection must have been quiet before a candidate is sent, so
	// that what was sent before it is not taken for its doing.
	calm = 250 * time.Millisecond
	// divideInto is into how many parts a packet that failed is divided.
	divideInto = 8
	// crowd is how many filters must fail alone, at the highest number of
	// subscriptions that the session ever had, for that to be its limit.
	crowd = 4
)

// Plan is the state of all filters at one server. Its methods must not be called at
// the same time.
type Plan struct {
	batch   int
	servers map[string]*server
	at      *server

	up         bool
	present    bool // the server had the session
	since      time.Time
	lastAnswer time.Time
	sent       int  // requests on this connection
	closed     int  // connections that the search has cost
	doubted    bool // the last connection was closed on a packet that is tried once more

	queue   []*Entry
	groups  []group
	singles []*Entry
	refused map[*Entry]struct{}
	flying  []*flight
	part    int    // size of the parts that a packet was last divided into; 0: none is in doubt
	held    int    // how many filters the session has
	pulse   *Entry // the last that was granted

	last    uint64    // number of the last request, or Entry
	risk    time.Time // no filter that may cost the connection is tried again before
	retries time.Time // nothing is to be tried again before; zero: that is to be found out
	results []Result
}

// server is what is remembered of one server for the life of the process.
type server struct {
	size     int  // filters for one SUBSCRIBE
	peak     int  // the most that a session has had
	limit    int  // the most that a session takes; 0: none is known
	small    bool // a part of a packet was too large
	slowest  time.Duration
	failed   []*Entry      // what failed alone at the peak
	evidence int           // how much speaks for a limit
	proven   int           // the largest packet that was granted
	pause    time.Duration // after the last try that may have cost the connection
	wrong    int           // how often what was taken for the limit was none
}

// group is what travels in one packet while something is in doubt.
type group struct {
	entries []*Entry
	chain   *chain
}

// New makes a Plan for SUBSCRIBEs of at most batch filters.
func New(batch int) *Plan {
	return &Plan{
		batch: batch, servers: map[string]*server{}, at: &server{size: batch},
		refused: map[*Entry]struct{}{},
	}
}

// Connected notes a new connection to a server, and whether that still has the session.
// All that are wanted are asked for again, those refused by a code after the others, and
// other refused ones when it is their time.
func (p *Plan) Connected(name string, present bool, all iter.Seq[*Entry], now time.Time) {
	p.at = p.servers[name]
	if p.at == nil {
		p.at = &server{size: p.batch}
		p.servers[name] = p.at
	}
	p.up, p.present, p.since, p.sent = true, present, now, 0
	p.queue = p.queue[:0]
	p.held = 0
	for e := range all {
		e.flight = 0
		e.here = e.here && present
		if e.here {
			p.held++
		}
		if e.Refused() && e.doubt.kind == Answered {
			e.doubt.due, p.retries = now, time.Time{}
		}
		if e.where == nowhere && e.open() || e.where == inQueue {
			e.where = inQueue
			p.queue = append(p.queue, e)
		}
	}
	slices.SortFunc(p.queue, func(a, b *Entry) int {
		if a.known != b.known {
			if a.known {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.order, b.order)
	})
}

// Ask has a filter subscribed to, or subscribed to otherwise. One that was refused is
// tried again, unless that may cost the connection and was done a moment ago: then the
// result is repeated.
func (p *Plan) Ask(e *Entry, now time.Time) {
	e.dropped = false
	if e.order == 0 {
		p.last++
		e.order = p.last
	}
	switch {
	case e.Refused() && !e.doubt.again:
		p.anew(e, now)
	case e.where == nowhere:
		p.push(e)
	}
}

func (p *Plan) push(e *Entry) {
	e.where = inQueue
	p.queue = append(p.queue, e)
}

// Drop notes that nobody wants a filter any more.
func (p *Plan) Drop(e *Entry) {
	e.dropped, e.where = true, nowhere
	delete(p.refused, e)
	p.decided(e, true)
	e.doubt = nil
}

// Gone notes that the server has no subscription for a filter any more: there is room
// for another.
func (p *Plan) Gone(e *Entry) {
	if e.here {
		e.here = false
		p.held--
		p.room()
	}
}
