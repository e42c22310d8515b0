package actors

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// incarnation is one life of an actor, from its start to its restart or its end. What is
// begun in it ends with it: its context is cancelled, and what comes late of its work and
// its reminders is not handled by the next. An actor embeds it, and guarded starts and
// ends it.
type incarnation struct {
	deps   *env
	self   *actor.PID
	ctx    context.Context // of the work
	cancel context.CancelFunc
}

// lasting is an actor that embeds an incarnation.
type lasting interface{ life() *incarnation }

func (i *incarnation) life() *incarnation { return i }

func (i *incarnation) start(deps *env, self *actor.PID) {
	i.deps, i.self = deps, self
	i.ctx, i.cancel = context.WithCancel(context.Background())
}

func (i *incarnation) end() {
	if i.cancel != nil {
		i.cancel()
	}
}

// private is a message that an incarnation sends to itself.
type private interface{ from() *stamp }

// stamp says whose a private message is. Private messages embed it and are sent as
// pointers.
type stamp struct{ life *incarnation }

func (s *stamp) from() *stamp { return s }

// heir is an actor that has something to do with what an earlier incarnation has sent to
// itself.
type heir interface{ inherit(message private) }

// send puts m into the actor's own mailbox. It may be called from any goroutine.
func (i *incarnation) send(m private) {
	m.from().life = i
	i.deps.system.Root.Send(i.self, m)
}

// after sends m when the delay is over, at once where there is none.
func (i *incarnation) after(delay time.Duration, m private) reminder {
	if delay <= 0 {
		i.send(m)
		return reminder{}
	}
	return reminder{time.AfterFunc(delay, func() {
		if i.ctx.Err() == nil {
			i.send(m)
		}
	})}
}

// retry sends m after so many failed attempts to reach Redis.
func (i *incarnation) retry(failed int, m private) reminder {
	return i.after(i.deps.Backoff.Redis().Delay(failed), m)
}

// reminder is a message that is to come. The zero value is none.
type reminder struct{ timer *time.Timer }

func (r reminder) stop() {
	if r.timer != nil {
		r.timer.Stop()
	}
}

// job is work that is done outside the mailbox. When it is done it comes as a message.
type job interface {
	private
	do(ctx context.Context) error
	done(error)
}

// run does the job, in a goroutine, and sends it to the actor. A panic in it is its error.
func (i *incarnation) run(doing string, j job) {
	j.from().life = i
	i.deps.dispatcher.Schedule(func() {
		j.done(i.deps.protect(doing, func() error { return j.do(i.ctx) }))
		i.deps.system.Root.Send(i.self, j)
	})
}

// result is what jobs embed: why the work failed; nil: it did not.
type result struct {
	stamp
	err error
}

func (r *result) done(err error) { r.err = err }

// task is a job that is a function.
type task struct {
	result
	work func(context.Context) error
}

func (t *task) do(ctx context.Context) error { return t.work(ctx) }
