package layer

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// A round trip carries at most so many calls, and takes in no further job above
// so many bytes.
const (
	maxTripCalls = 128
	maxTripBytes = 2 << 20
)

// sender is the one path on which a process writes: one goroutine, one
// connection. It takes what waits, sends it in one round trip, and hands each
// job its result; meanwhile the next gathers. Scores are given out here, so
// that their order is the order of writing.
type sender struct {
	ctx    context.Context
	redis  *redis.Client
	config Config
	clock  clock
	random [prefixLength - 8]byte
	jobs   chan *job
	done   chan struct{}
}

// job is the calls of one Send.
type job struct {
	ctx   context.Context
	calls []call
	done  chan result
}

type result struct {
	outcome messages.Outcome
	err     error
}

func newSender(ctx context.Context, client *redis.Client, config Config) *sender {
	s := &sender{
		ctx: ctx, redis: client, config: config,
		jobs: make(chan *job, 64), done: make(chan struct{}),
	}
	_, _ = rand.Read(s.random[:]) // never fails
	go s.run()
	return s
}

// do has the calls made, in their order, and waits for their sum. When ctx ends
// it returns at once, and the calls may still be made.
func (s *sender) do(ctx context.Context, calls []call) (messages.Outcome, error) {
	j := &job{ctx: ctx, calls: calls, done: make(chan result, 1)}
	select {
	case s.jobs <- j:
	case <-ctx.Done():
		return messages.Outcome{}, ctx.Err()
	case <-s.ctx.Done():
		return messages.Outcome{}, redis.ErrClosed
	}
	select {
	case r := <-j.done:
		return r.outcome, r.err
	case <-ctx.Done():
		return messages.Outcome{}, ctx.Err()
	case <-s.done:
		return messages.Outcome{}, redis.ErrClosed
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
	calls, bytes := 0, 0
	add := func(j *job) {
		if j.ctx.Err() != nil {
			return
		}
		jobs = append(jobs, j)
		calls += len(j.calls)
		for i := range j.calls {
			bytes += j.calls[i].size
		}
	}
	add(first)
	for calls < maxTripCalls && bytes < maxTripBytes {
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
	pipe := s.redis.Pipeline()
	var cmds []*redis.Cmd
	for _, j := range jobs {
		for i := range j.calls {
			s.stamp(j.calls[i].args)
			cmds = append(cmds, pipe.Do(s.ctx, j.calls[i].args...))
		}
	}
	if len(cmds) > 0 {
		_, _ = pipe.Exec(s.ctx) // each command has its own error
	}
	for _, j := range jobs {
		r := sum(cmds[:len(j.calls)])
		cmds = cmds[len(j.calls):]
		if !last && r.err != nil && redis.HasErrorPrefix(r.err, "NOSCRIPT") {
			unknown = append(unknown, j)
			continue
		}
		j.done <- r
	}
	return unknown
}

// stamp fills in what depends on the time: the scores and what is too old.
func (s *sender) stamp(args []any) {
	now := time.Now().Unix()
	args[argSHA] = sendScript.Hash()
	args[argStale] = strconv.FormatInt(now-int64(s.config.Expiry), 10)
	args[argStaleGroup] = strconv.FormatInt(now-int64(s.config.GroupExpiry), 10)
	micros := s.clock.take((len(args) - argFirstScore) / 2)
	for i := argFirstScore; i < len(args); i += 2 {
		args[i] = score(micros)
		micros++
	}
}

// sum adds up the results of one job's calls; the first error is the job's.
func sum(cmds []*redis.Cmd) (r result) {
	for _, cmd := range cmds {
		counts, err := cmd.Int64Slice()
		if err != nil {
			return result{err: err}
		}
		r.outcome.Stored += int(counts[0])
		r.outcome.Full += int(counts[1])
	}
	return r
}
