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

// reader receives from one channel on one host. It begins to exist for others at the first
// call: a client that only sends holds no lease.
type reader struct {
	ctx      context.Context
	client   *Client
	redis    *redis.Client
	id       string
	turn     chan struct{} // held by the one call that receives
	pending  chan taken    // an attempt that was left alone when its caller went
	inflight inflight
	missed   atomic.Bool // the in-flight key holds what was not handed out
	started  bool
	joined   time.Time     // when the first call began
	settled  bool          // and nothing older is at another reader
	keeper   chan struct{} // closed when the keeper ended
	wake     *wake
}

// taken is the result of one attempt.
type taken struct {
	members []string
	err     error
}

func newReader(ctx context.Context, c *Client, s *server) *reader {
	return &reader{
		ctx: ctx, client: c, redis: s.redis, id: newPeerID(),
		turn:   make(chan struct{}, 1),
		keeper: make(chan struct{}),
		wake:   newWake(c, s.host),
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
	look := lookLeast
	for {
		members, err := r.attempt(ctx, limit)
		if err != nil || len(members) > 0 {
			return members, err
		}
		if err := r.wait(ctx, look); err != nil {
			return nil, err
		}
		look = min(2*look, lookMost)
	}
}

func (r *reader) start() {
	if r.started {
		return
	}
	r.started = true
	go r.keep()
	go r.wake.run(r.ctx)
}

// wait returns when there may be something to read.
func (r *reader) wait(ctx context.Context, look time.Duration) error {
	if r.settled && r.wake.armed.Load() {
		look = lookArmed
	}
	timer := time.NewTimer(look)
	defer timer.Stop()
	select {
	case <-r.wake.signal:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ctx.Done():
		return redis.ErrClosed
	}
	return nil
}

// attempt looks once. A server that hangs must not hold the caller, so another
// goroutine waits for the answer, and the next call gets what a caller left.
func (r *reader) attempt(ctx context.Context, limit int) ([]string, error) {
	if r.pending == nil {
		r.pending = make(chan taken, 1)
		go func(to chan<- taken) {
			members, err := r.take(limit)
			to <- taken{members, err}
		}(r.pending)
	}
	select {
	case t := <-r.pending:
		r.pending = nil
		return t.members, t.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.ctx.Done():
		return nil, redis.ErrClosed
	}
}

// take takes messages, or finds those in the in-flight key that nobody was
// handed: of a predecessor, or of an answer that was lost.
func (r *reader) take(limit int) ([]string, error) {
	if ok, err := r.settle(); !ok {
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
	keys := []string{c.keys.commands(), c.keys.inflight(r.id), c.keys.peers()}
	members, err := takeScript.Run(r.ctx, r.redis, keys,
		limit, int(inflightFor.Seconds()), r.id, c.config.Lease.Seconds(), c.config.until()).StringSlice()
	if err != nil {
		r.missed.Store(true)
		return nil, err
	}
	return r.inflight.add(members), nil
}

func (r *reader) find(limit int) ([]string, error) {
	known := r.inflight.snapshot()
	all, err := r.redis.ZRange(r.ctx, r.client.keys.inflight(r.id), 0, -1).Result()
	if err != nil {
		return nil, err
	}
	var members []string
	for _, m := range all {
		if _, ok := known[m]; !ok && len(members) < limit {
			members = append(members, m)
		}
	}
	return r.inflight.add(members), nil
}
