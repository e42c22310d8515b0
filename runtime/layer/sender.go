package layer

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// A round trip carries at most so many calls, and takes in no further job above
// so many bytes.
const (
	maxTripCalls = 128
	maxTripBytes = 2 << 20
)

// sender is the one path on which a process writes to a host: one goroutine, one
// connection. It takes what waits, sends it in one round trip, and hands each
// job its result; meanwhile the next gathers. Scores are given out here, so
// that their order is the order of writing.
//
// Of small calls by 16 or 64 callers it carries 30,000 and 45,000 a second, where
// go-redis's automatic pipelining, which could not date them either, carries
// 23,000; a lone caller waits 30 µs longer, and in return not for Redis when its
// context ends.
//
// A server that hung, or a network that held things back, may come to a call
// when nobody waits for its answer any more and another attempt has been made.
// So each call says until when, by the server's clock, it is to be carried out.
type sender struct {
	ctx    context.Context
	redis  *redis.Client
	server *server
	config Config
	clock  *clock
	jobs   chan *job
	done   chan struct{}
}

// job is one call that somebody waits for.
type job struct {
	call
	ctx  context.Context
	done chan result
}

type result struct {
	answer []any
	err    error
}

func newSender(ctx context.Context, client *redis.Client, c *Core, server *server) *sender {
	s := &sender{
		ctx: ctx, redis: client, server: server, config: c.config, clock: c.clock,
		jobs: make(chan *job, 64), done: make(chan struct{}),
	}
	go s.run()
	return s
}

// do has the call made and waits for the script's answer. When ctx ends it
// returns at once, and the call may still be made.
func (s *sender) do(ctx context.Context, c call) ([]any, error) {
	j := &job{call: c, ctx: ctx, done: make(chan result, 1)}
	select {
	case s.jobs <- j:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.ctx.Done():
		return nil, redis.ErrClosed
	}
	select {
	case r := <-j.done:
		return r.answer, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.done:
		return nil, redis.ErrClosed
	}
}

func (s *sender) close() {
	<-s.done
	_ = s.redis.Close()
}

func (s *sender) run() {
	defer close(s.done)
	for {
		select {
		case <-s.ctx.Done():
			return
		case j := <-s.jobs:
			s.deliver(s.gather(j))
		}
	}
}

// gather takes in what waits behind the first job. What its caller gave up is
// left out.
func (s *sender) gather(first *job) []*job {
	var jobs []*job
	bytes := 0
	add := func(j *job) {
		if j.ctx.Err() == nil {
			jobs = append(jobs, j)
			bytes += j.size
		}
	}
	add(first)
	for len(jobs) < maxTripCalls && bytes < maxTripBytes {
		select {
		case j := <-s.jobs:
			add(j)
		default:
			return jobs
		}
	}
	return jobs
}

// deliver makes the calls of all jobs and answers each. Where the server does
// not know the script (it was restarted) those jobs are done again, once.
func (s *sender) deliver(jobs []*job) {
	unknown := s.trip(jobs, false)
	if len(unknown) == 0 {
		return
	}
	if err := sendScript.Load(s.ctx, s.redis).Err(); err != nil {
		for _, j := range unknown {
			j.done <- result{err: err}
		}
		return
	}
	s.trip(unknown, true)
}

// trip makes one round trip and answers the jobs, except those that failed
// because the script is unknown, which it returns. The last trip answers all.
func (s *sender) trip(jobs []*job, last bool) (unknown []*job) {
	if len(jobs) == 0 {
		return nil
	}
	pipe := s.redis.Pipeline()
	cmds := make([]*redis.Cmd, len(jobs))
	for i, j := range jobs {
		s.stamp(j)
		cmds[i] = pipe.Do(s.ctx, j.args...)
	}
	began := time.Now()
	_, err := pipe.Exec(s.ctx) // each command has its own error
	s.server.gauges.traveled(time.Since(began), err)
	for i, j := range jobs {
		answer, err := s.answer(cmds[i])
		if !last && err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
			unknown = append(unknown, j)
			continue
		}
		s.server.gauges.wrote(err)
		j.done <- result{answer, err}
	}
	return unknown
}

// answer is what the script said. Where a call came too late though we still
// wait for it, the clock may be another.
func (s *sender) answer(cmd *redis.Cmd) ([]any, error) {
	answer, err := cmd.Slice()
	if err != nil && redis.HasErrorPrefix(err, "LATE") {
		s.server.gauges.late.Add(1)
		notify(s.server.doubt)
		err = errLate
	}
	return answer, err
}

// errLate is no refusal: the next attempt may be in time.
var errLate = errors.New("the write reached Redis too late")

// timeout is the time in which the server has to come to a call: that for which
// its answer is waited for, less a third for what our idea of its clock is wrong
// by.
func (s *sender) timeout() time.Duration { return s.redis.Options().ReadTimeout * 2 / 3 }

// deadline is the end of that time on the server's clock, or of what this client may
// do, in microseconds; "" where neither is known.
func (s *sender) deadline() string {
	timeout := s.timeout()
	if timeout <= 0 || !s.server.gauges.known.Load() {
		return s.config.until()
	}
	by := time.Now().Add(time.Duration(s.server.gauges.difference.Load()) + timeout)
	if s.config.Until != nil {
		if until := s.config.Until(); until.Before(by) {
			by = until
		}
	}
	return strconv.FormatInt(by.UnixMicro(), 10)
}

// stamp fills in what depends on the time: the scores and what is too old.
func (s *sender) stamp(j *job) {
	j.args[argSHA] = sendScript.Hash()
	j.args[argStale] = strconv.FormatInt(s.clock.cutoff(s.config.Expiry), 10)
	j.args[argDeadline] = s.deadline()
	j.args[argStaleGroup] = strconv.FormatInt(s.clock.cutoff(s.config.GroupExpiry), 10)
	micros := s.clock.take(j.count)
	for i := range j.count {
		j.args[argFirstScore+2*i] = score(micros + int64(i))
	}
}
