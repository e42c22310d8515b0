package layer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// CommandReader reads the command channel at one host. It is made by Client.OpenReader, and
// is never connected again: after its first error it is good for nothing but Close.
type CommandReader interface {
	// Receive waits until the command channel holds something and takes at most limit
	// messages, oldest first; what a dead or closed predecessor left in flight comes before
	// all else: the first call waits for that, at most a little longer than a lease. They
	// stay in Redis until Acknowledge. It returns at once when ctx ends; what was being
	// taken then comes with the next call, of this reader or another. There is one call at
	// a time. Errors are *messages.LayerFailure.
	Receive(ctx context.Context, limit int) ([]Message, error)
	// Close ends reading. It may be called twice, and while Receive waits.
	Close()
}

// The times between two polls of an empty channel: where the server announces
// changes, polling is for the case that one was lost; where it does not, the
// time grows from the least to the most.
const (
	pollTracked = 5 * time.Second
	pollLeast   = 5 * time.Millisecond
	pollMost    = 50 * time.Millisecond
)

// queueReader is the CommandReader of a core layer: a connection that announces changes, if
// the server can, and what takes messages from the inbox.
type queueReader struct {
	inbox    *inbox
	tracking *tracking // nil: the server does not announce changes
	closed   chan struct{}
	once     sync.Once

	settled bool // nothing older is at another reader
	emptied bool // there is nothing to take until there is a signal
}

// Hosts are the names of those from which the command channel is read, each by a reader of
// its own.
func (c *Core) Hosts() []string {
	names := make([]string, len(c.servers))
	for i, s := range c.servers {
		names[i] = s.host.Name()
	}
	return names
}

// OpenReader connects to one of Hosts, by its index. lost is called at most once, when the
// reader is lost while nobody calls it, or before its call fails; not after Close. Where it
// is known no more than that changes are not reported, the failure says Untold: Redis may be
// there. Errors are *messages.LayerFailure.
func (c *Core) OpenReader(ctx context.Context, host int, lost func(error)) (CommandReader, error) {
	s := c.servers[host]
	doing := "reading channel " + c.config.Channel
	if err := s.redis.Ping(ctx).Err(); err != nil {
		return nil, s.failure(doing, err)
	}
	r := &queueReader{inbox: s.inbox, closed: make(chan struct{})}
	if err := r.open(ctx, func(err error) { lost(s.untold(err)) }); err != nil {
		return nil, s.failure(doing, err)
	}
	return r, nil
}

func (r *queueReader) open(ctx context.Context, lost func(error)) (err error) {
	b := r.inbox
	if err := b.acquire(ctx); err != nil {
		return err
	}
	defer b.release()
	b.start()
	r.tracking, err = newTracking(ctx, b, lost)
	if errors.Is(err, errNoTracking) {
		b.client.log.Debug("redis does not announce changes: polling the command channel", "error", err)
		return nil
	}
	return err
}

// Receive is as CommandReader says.
func (r *queueReader) Receive(ctx context.Context, limit int) ([]Message, error) {
	s := r.inbox.server
	for pause := pollLeast; ; pause = min(2*pause, pollMost) {
		select {
		case <-r.closed:
			return nil, s.failure("reading channel "+s.inbox.client.config.Channel, redis.ErrClosed)
		default:
		}
		if r.emptied {
			if err := r.wait(ctx, pause); err != nil {
				return nil, err
			}
		}
		drain(r.inbox.signal)
		t := r.inbox.poll(ctx, limit)
		if t.err != nil {
			return nil, s.failure("reading channel "+s.inbox.client.config.Channel, t.err)
		}
		r.settled = t.settled
		r.emptied = len(t.members) == 0 || t.all && r.tracking != nil
		list, err := r.inbox.client.dropOld(ctx, r.inbox.client.open(s, t.members))
		if err != nil || len(list) > 0 {
			return list, err
		}
	}
}

// wait returns when there may be something to take.
func (r *queueReader) wait(ctx context.Context, pause time.Duration) error {
	s := r.inbox.server
	var ended chan struct{}
	if r.tracking != nil {
		if ended = r.tracking.ended; r.settled {
			pause = pollTracked
		}
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	err := redis.ErrClosed
	select {
	case <-r.inbox.signal:
		return nil
	case <-timer.C:
		return nil
	case <-ended:
		if err = r.tracking.err; r.inbox.ctx.Err() == nil {
			return s.untold(err)
		}
	case <-ctx.Done():
		err = ctx.Err()
	case <-r.closed:
	case <-r.inbox.ctx.Done():
	}
	return s.failure("reading channel "+r.inbox.client.config.Channel, err)
}

// Close ends the connection.
func (r *queueReader) Close() {
	r.once.Do(func() {
		close(r.closed)
		if r.tracking != nil {
			r.tracking.close()
		}
	})
}

// drain forgets the signals until now: the next read finds what they announced.
func drain(signal chan struct{}) {
	select {
	case <-signal:
	default:
	}
}
