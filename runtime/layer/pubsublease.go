package layer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// leaveTime bounds how long leaving takes.
const leaveTime = 2 * time.Second

// open listens to the commands and the marks, and returns when they arrive. Whoever is
// connected already stays so.
func (s *subscriber) open(ctx context.Context, r *pubSubReader) error {
	s.opening.Lock()
	defer s.opening.Unlock()
	select {
	case <-s.closed:
		return redis.ErrClosed
	default:
	}
	if s.take(r) {
		return nil
	}
	if err := s.server.redis.Ping(ctx).Err(); err != nil {
		return err
	}
	s.start()
	listen, end := context.WithCancel(context.Background())
	joined, ended := make(chan struct{}), make(chan error, 1)
	s.end = end
	s.listener.Go(func() {
		err := s.listen(listen, joined)
		s.lost(err, listen.Err() == nil)
		ended <- err
	})
	select {
	case <-joined:
		return nil
	case err := <-ended:
		return err
	case <-s.closed:
	case <-ctx.Done():
	}
	end()
	s.listener.Wait()
	return cmp.Or(ctx.Err(), redis.ErrClosed)
}

// take makes a reader the one that is notified of a loss, and says whether there is a
// connection.
func (s *subscriber) take(r *pubSubReader) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r != nil {
		s.reader = r
	}
	if !s.live {
		s.failed = nil // which was that of the last one
	}
	return s.live
}

// start begins to ask for the lease.
func (s *subscriber) start() {
	if s.started {
		return
	}
	s.started = true
	keep, unkeep := context.WithCancel(context.Background())
	s.unkeep = unkeep
	s.keeper.Go(func() { s.keep(keep) })
}

// lost notes that commands arrive no more. What was ours stays so. The reader is notified,
// unless it is being opened.
func (s *subscriber) lost(err error, tell bool) {
	s.mu.Lock()
	reader := s.reader
	tell = tell && s.live && reader != nil
	s.live, s.joined, s.holding, s.maybe, s.failed = false, false, false, list{}, err
	notify(s.signal)
	s.mu.Unlock()
	if tell {
		reader.lost(s.failure(err))
	}
}

// listen listens until the connection fails. The marks come all the time: silence
// is a failure.
func (s *subscriber) listen(ctx context.Context, joined chan<- struct{}) error {
	client := redis.NewClient(s.server.host.options(ctx, 1))
	defer client.Close()
	sub := client.Subscribe(ctx, s.client.config.Channel, s.marks)
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	silence := max(2*s.client.config.Lease, 3*time.Second)
	for channels := 0; ; {
		got, err := sub.ReceiveTimeout(ctx, silence)
		if err != nil {
			return fmt.Errorf("listening: %w", err)
		}
		switch m := got.(type) {
		case *redis.Subscription:
			if channels++; channels == 2 {
				s.join()
				close(joined)
			}
		case *redis.Message:
			if m.Channel == s.marks {
				s.mark(ctx, m.Payload)
			} else {
				s.came(m.Payload)
			}
		}
	}
}

// join notes that commands arrive.
func (s *subscriber) join() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live, s.joined = true, true
	notify(s.ask)
}

// keep asks for the lease, and renews it, as long as commands arrive.
func (s *subscriber) keep(ctx context.Context) {
	for {
		select {
		case <-s.ask:
		case <-time.After(s.client.config.Lease / 4):
		case <-ctx.Done():
			return
		}
		if err := s.claim(ctx); err != nil && ctx.Err() == nil {
			s.mu.Lock()
			s.failed = fmt.Errorf("asking for the lease: %w", err)
			notify(s.signal)
			s.mu.Unlock()
		}
	}
}

func (s *subscriber) claim(ctx context.Context) error {
	s.mu.Lock()
	joined := s.joined
	s.mu.Unlock()
	if !joined {
		return nil
	}
	return claimScript.Run(ctx, s.server.redis, []string{s.lease}, s.id, s.client.config.Lease.Milliseconds(), s.marks).Err()
}

// mark handles a mark, which every reader gets.
func (s *subscriber) mark(ctx context.Context, text string) {
	switch {
	case text == "*":
		notify(s.ask)
	case text == "-"+s.id:
		s.mu.Lock()
		s.leaving = true
		s.mu.Unlock()
		close(s.gone)
	case text == "+"+s.id:
		s.takeOver(ctx)
	default:
		s.yield(strings.HasPrefix(text, "+"))
	}
}

// yield leaves to another what came so far.
func (s *subscriber) yield(begins bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maybe = list{}
	if begins && s.holding {
		s.holding = false
		s.client.log.Warn("another worker reads the commands now: this one was silent for too long")
	}
}

// takeOver makes this worker the one that reads the commands. They are preceded by what a holder left, and by what
// came since the last mark of one who died.
func (s *subscriber) takeOver(ctx context.Context) {
	s.mu.Lock()
	holding := s.holding
	s.mu.Unlock()
	if holding {
		return
	}
	left, err := s.takeLeft(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.client.log.Warn("commands that another worker left could not be read", "error", err)
	}
	for _, body := range left {
		s.ready.add(s.member(body))
	}
	s.ready.add(s.maybe.members...)
	s.maybe, s.holding = list{}, true
	notify(s.signal)
}

func (s *subscriber) takeLeft(ctx context.Context) ([]string, error) {
	var left *redis.StringSliceCmd
	_, err := s.server.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		left = p.LRange(ctx, s.left, 0, -1)
		p.Del(ctx, s.left)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return left.Val(), nil
}

// close ends receiving, and leaves to the next holder of the lease what this one
// did not do.
func (s *subscriber) close() {
	close(s.closed)
	s.opening.Lock() // and it is never opened again
	defer s.opening.Unlock()
	if !s.started {
		return
	}
	s.unkeep()
	s.keeper.Wait() // no sign of life comes behind the last word
	ctx, stop := context.WithTimeout(context.Background(), leaveTime)
	defer stop()
	err := s.leave(ctx)
	s.end()
	s.listener.Wait()
	if rest := s.rest(); err != nil && len(rest) > 0 {
		s.client.log.Warn("commands that were not carried out are lost: a pub/sub layer stores nothing",
			"count", len(rest), "error", err)
	}
}

// leave says that this holder acts on nothing more, and when it has received that
// itself, so that it knows what came before, gives up the lease.
func (s *subscriber) leave(ctx context.Context) error {
	holder, err := leaveScript.Run(ctx, s.server.redis, []string{s.lease}, s.id, s.marks).Bool()
	switch {
	case err != nil:
		return err
	case !holder:
		return errors.New("another worker reads them")
	}
	if s.listening() {
		select {
		case <-s.gone:
		case <-ctx.Done():
			return errors.New("redis does not answer")
		}
	}
	args := []any{s.id, int(inflightFor.Seconds()), s.marks}
	for _, m := range s.rest() {
		args = append(args, m[prefixLength:])
	}
	return yieldScript.Run(ctx, s.server.redis, []string{s.lease, s.left}, args...).Err()
}

func (s *subscriber) listening() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}

// rest are the commands that were not acknowledged.
func (s *subscriber) rest() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.taken.members, s.ready.members)
}
