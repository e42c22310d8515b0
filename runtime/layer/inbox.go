package layer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// inflightFor is how long messages stay in flight at a reader that nobody takes over.
const inflightFor = 24 * time.Hour

// takeTells is how much take.lua tells behind the messages.
const takeTells = 5

// maxReadBytes is how much one answer holds of the commands: a slow link is not held
// by what is read for long. One command comes whatever its size.
const maxReadBytes = 1 << 20

// inbox is the command channel at one host, with what outlives a connection to it: the
// messages in flight and the lease on them. It begins to exist for others when it is first
// opened: a client that only sends holds no lease.
type inbox struct {
	ctx    context.Context // ends with the client
	server *server
	client *Core
	redis  *redis.Client
	id     string
	signal chan struct{}  // holds one when there may be something to take
	others sync.WaitGroup // what runs beside the readers

	lock     chan struct{} // held by whoever takes or opens; guards the rest
	started  bool
	joined   time.Time // when messages were asked for first
	settled  bool      // and nothing older is at another reader
	empty    time.Time // when nothing was left last; zero: something was
	inflight inflight
	missed   atomic.Bool // something in flight was not handed out
}

func newInbox(ctx context.Context, c *Core, s *server) *inbox {
	return &inbox{
		ctx: ctx, server: s, client: c, redis: s.redis, id: newReaderID(),
		signal: make(chan struct{}, 1), lock: make(chan struct{}, 1),
	}
}

// acquire waits for the lock, until ctx or the client ends.
func (b *inbox) acquire(ctx context.Context) error {
	select {
	case b.lock <- struct{}{}:
		if b.ctx.Err() == nil {
			return nil
		}
		b.release()
		return redis.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	case <-b.ctx.Done():
		return redis.ErrClosed
	}
}

func (b *inbox) release() { <-b.lock }

// start has the lease kept, from the first time on. The lock is held.
func (b *inbox) start() {
	if !b.started {
		b.started = true
		b.others.Go(b.keep)
	}
}

// taken is what came of one poll of the channel.
type taken struct {
	members []string
	all     bool // there were no more
	settled bool
	err     error
}

// poll takes messages, and returns as soon as ctx ends. The lock is held as long as the
// server takes to answer; what it hands out when nobody waits any more is found again by
// whoever takes next.
func (b *inbox) poll(ctx context.Context, limit int) taken {
	if err := b.acquire(ctx); err != nil {
		return taken{err: err}
	}
	answer := make(chan taken)
	go func() {
		defer b.release()
		t := b.take(limit)
		select {
		case answer <- t:
		case <-ctx.Done():
			b.inflight.remove(t.members)
			b.missed.Store(true)
		case <-b.ctx.Done():
		}
	}()
	select {
	case t := <-answer:
		return t
	case <-ctx.Done():
		return taken{err: ctx.Err()}
	case <-b.ctx.Done():
		return taken{err: redis.ErrClosed}
	}
}

// take takes messages, or finds those in flight that nobody was handed: of a predecessor,
// or of an answer that was lost. The lock is held.
func (b *inbox) take(limit int) (t taken) {
	if ok, err := b.settle(); !ok {
		return taken{all: true, err: err}
	}
	t.settled = true
	if b.missed.Swap(false) {
		t.members, t.err = b.find(limit)
		if t.err != nil || len(t.members) > 0 {
			b.missed.Store(true) // perhaps there are more
			return t
		}
	}
	c := b.client
	began := time.Now()
	next := b.inflight.begin(b.id)
	keys := []string{c.keys.commands(), c.keys.inflight(next.name), c.keys.readers()}
	members, err := takeScript.Run(b.ctx, b.redis, keys,
		limit, int(inflightFor.Seconds()), next.name, c.config.Lease.Seconds(), c.config.until(), maxReadBytes).StringSlice()
	if err != nil {
		b.missed.Store(true)
		t.err = err
		return t
	}
	last := len(members) - takeTells
	more, told := members[last] != "", members[last:]
	members = members[:last]
	if last > 0 {
		fresh := time.Duration(0)
		if !b.empty.IsZero() {
			fresh = time.Since(b.empty)
		}
		c.sawTaken(told[1], told[2], told[3], told[4], fresh)
	}
	if b.empty = began; more || last == limit {
		b.empty = time.Time{}
	}
	t.all = last < limit && !more
	if t.members = b.inflight.add(members, next); len(t.members) < last {
		b.missed.Store(true) // some are in two keys
	}
	return t
}

// find moves all that is in flight into the reader's own key, and returns the oldest that were
// not handed out.
func (b *inbox) find(limit int) ([]string, error) {
	if _, _, err := b.renew(b.ctx, true); err != nil {
		return nil, err
	}
	args := append([]any{limit, maxReadBytes}, b.inflight.sums()...)
	members, err := findScript.Run(b.ctx, b.redis, []string{b.client.keys.inflight(b.id)}, args...).StringSlice()
	if err != nil {
		return nil, err
	}
	return b.inflight.add(members, &fetch{name: b.id, more: true}), nil
}
