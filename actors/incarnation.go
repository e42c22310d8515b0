package actors

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// incarnation is an actor from its start to its restart or its end. When it ends, its context
// is cancelled, and late messages of its jobs and reminders are not handled by the next. An
// actor embeds it; guarded starts and closes it.
type incarnation struct {
	deps   *env
	self   *actor.PID
	ctx    context.Context // of the work
	cancel context.CancelFunc
}

// lasting is an actor that embeds an incarnation.
type lasting interface{ this() *incarnation }

func (i *incarnation) this() *incarnation { return i }

func (i *incarnation) start(deps *env, self *actor.PID) {
	i.deps, i.self = deps, self
	i.ctx, i.cancel = context.WithCancel(context.Background())
}

func (i *incarnation) close() {
	if i.cancel != nil {
		i.cancel()
	}
}

// private is a message that an incarnation sends to itself.
type private interface{ from() *stamp }

// stamp says which incarnation sent a private message. Private messages embed it, and are
// sent as pointers.
type stamp struct{ incarnation *incarnation }

func (s *stamp) from() *stamp { return s }

// heir is an actor that handles private messages of its earlier incarnations.
type heir interface{ inherit(message private) }

// send puts m into the actor's own mailbox. It may be called from any goroutine.
func (i *incarnation) send(m private) {
	m.from().incarnation = i
	i.deps.system.Root.Send(i.self, m)
}

// after sends m when the delay is over, or at once if there is none.
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

// retry sends m when the next attempt to reach Redis is due, after that many failed ones.
func (i *incarnation) retry(failed int, m private) reminder {
	return i.after(i.deps.Backoff.Redis().Delay(failed), m)
}

// reminder is a message that will come, unless it is stopped. The zero value is none.
type reminder struct{ timer *time.Timer }

func (r reminder) stop() {
	if r.timer != nil {
		r.timer.Stop()
	}
}

// job is work done outside the mailbox. When it is done, the job itself comes as a message.
type job interface {
	private
	do(ctx context.Context) error
	done(error)
}

// run does the job in a goroutine, and then sends it to the actor. A panic becomes its error.
func (i *incarnation) run(doing string, j job) {
	j.from().incarnation = i
	i.deps.dispatcher.Schedule(func() {
		j.done(i.deps.protect(doing, func() error { return j.do(i.ctx) }))
		i.deps.system.Root.Send(i.self, j)
	})
}

// result is embedded in jobs. err is why the work failed; nil: it did not.
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
