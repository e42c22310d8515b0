package layer

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// The times between two looks at an empty channel: where the server tells of
// news, looking is for the case that the news was lost; where it does not, the
// time grows from the least to the most.
const (
	lookArmed   = 5 * time.Second
	lookLeast   = 5 * time.Millisecond
	lookMost    = 50 * time.Millisecond
	inflightFor = 24 * time.Hour
)

// takeTells is how much take.lua tells behind the messages.
const takeTells = 5

// maxReadBytes is how much one answer holds of the commands: a slow link is not held
// by what is read for long. One command comes whatever its size.
const maxReadBytes = 1 << 20

// reader receives from one channel on one host. It begins to exist for others at the first
// call: a client that only sends holds no lease.
type reader struct {
	ctx      context.Context
	client   *Client
	redis    *redis.Client
	id       string
	turn     chan struct{} // held by the one call that receives
	waiters  chan waiter
	took     chan taken
	asked    bool // a result is to come, perhaps for a caller that has gone
	inflight inflight
	missed   atomic.Bool // the in-flight key holds what was not handed out
	started  bool
	keeper   chan struct{} // closed when the keeper ended
	server   chan struct{} // and when serve did
	wake     *wake

	// Of serve:
	joined  time.Time // when the first call began
	settled bool      // and nothing older is at another reader
	emptied bool      // there is nothing to read until there are news
	empty   time.Time // when nothing was left last; zero: something was
}

// waiter is a call that waits for messages.
type waiter struct {
	ctx   context.Context
	limit int
}

// taken is what came of it; nothing, and no error: the caller had gone before.
type taken struct {
	members []string
	err     error
}

func newReader(ctx context.Context, c *Client, s *server) *reader {
	return &reader{
		ctx: ctx, client: c, redis: s.redis, id: newPeerID(),
		turn:    make(chan struct{}, 1),
		waiters: make(chan waiter, 1),
		took:    make(chan taken, 1),
		keeper:  make(chan struct{}),
		server:  make(chan struct{}),
		wake:    newWake(c, s.host),
	}
}

func (r *reader) receive(ctx context.Context, limit int) ([]string, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r.ctx.Err() != nil {
		return nil, redis.ErrClosed
	}
	r.start()
	for {
		if !r.asked {
			r.asked = true
			r.waiters <- waiter{ctx, limit}
		}
		select {
		case t := <-r.took:
			r.asked = false
			if t.err != nil || len(t.members) > 0 {
				return t.members, t.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.ctx.Done():
			return nil, redis.ErrClosed
		}
	}
}

func (r *reader) start() {
	if r.started {
		return
	}
	r.started = true
	go r.keep()
	go r.serve()
	go r.wake.run(r.ctx)
}

// serve looks for whoever waits until the client is closed. It does so in a goroutine of
// its own, which a server that hangs may hold: what was being taken when a caller went is
// for the next.
func (r *reader) serve() {
	defer close(r.server)
	for {
		select {
		case w := <-r.waiters:
			members, err := r.look(w)
			r.took <- taken{members, err}
		case <-r.ctx.Done():
			return
		}
	}
}

// look waits until there is something to take, and takes it; nothing where the caller
// has gone meanwhile.
func (r *reader) look(w waiter) (members []string, err error) {
	for pause := lookLeast; err == nil && len(members) == 0; pause = min(2*pause, lookMost) {
		if r.emptied && !r.wait(w.ctx, pause) {
			return nil, nil
		}
		r.emptied = false
		r.wake.drain()
		members, err = r.take(w.limit)
	}
	return members, err
}

// wait returns true when there may be something to take, and false when nobody waits
// for it any more.
func (r *reader) wait(ctx context.Context, pause time.Duration) bool {
	if r.settled && r.wake.armed.Load() {
		pause = lookArmed
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-r.wake.signal:
	case <-timer.C:
	case <-ctx.Done():
		return false
	case <-r.ctx.Done():
		return false
	}
	return true
}

// take takes messages, or finds those in the in-flight key that nobody was
// handed: of a predecessor, or of an answer that was lost.
func (r *reader) take(limit int) ([]string, error) {
	if ok, err := r.settle(); !ok {
		r.emptied = err == nil
		return nil, err
	}
	if r.missed.Swap(false) {
		members, err := r.find(limit)
		if err != nil || len(members) > 0 {
			r.missed.Store(true) // perhaps there are more
			return members, err
		}
	}
	c := r.client
	began := time.Now()
	keys := []string{c.keys.commands(), c.keys.inflight(r.id), c.keys.peers()}
	members, err := takeScript.Run(r.ctx, r.redis, keys,
		limit, int(inflightFor.Seconds()), r.id, c.config.Lease.Seconds(), c.config.until(), maxReadBytes).StringSlice()
	if err != nil {
		r.missed.Store(true)
		return nil, err
	}
	last := len(members) - takeTells
	more, told := members[last] != "", members[last:]
	members = members[:last]
	if last > 0 && c.config.Slot == 0 { // others get what was forwarded, after a while
		fresh := time.Duration(0)
		if !r.empty.IsZero() {
			fresh = time.Since(r.empty)
		}
		c.sawTaken(told[1], told[2], told[3], told[4], fresh)
	}
	if r.empty = began; more || last == limit {
		r.empty = time.Time{}
	}
	r.emptied = last == 0 || last < limit && !more && r.wake.armed.Load()
	return r.inflight.add(members), nil
}

// find returns the oldest in the in-flight key that were not handed out.
func (r *reader) find(limit int) ([]string, error) {
	args := append([]any{limit, maxReadBytes}, r.inflight.sums()...)
	members, err := findScript.Run(r.ctx, r.redis, []string{r.client.keys.inflight(r.id)}, args...).StringSlice()
	if err != nil {
		return nil, err
	}
	return r.inflight.add(members), nil
}
