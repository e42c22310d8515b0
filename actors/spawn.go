package actors

import (
	"fmt"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// failure is what an actor panics with when what it owns has failed, as
// opposed to a bug.
type failure struct{ err error }

// fail ends the incarnation of the calling actor with a failure for its
// supervisor to read. It does not return.
func fail(err error) { panic(failure{err}) }

// bug is what the supervisor sees of any other panic.
type bug struct {
	value   any
	message any
}

// Error says what the panic was and what kind of message was being handled.
func (b bug) Error() string { return fmt.Sprintf("panic while handling %T: %v", b.message, b.value) }

// releaser is an actor whose messages hold something (a delivery's weight, a
// command's receipt) that has to be given back when handling them panicked.
type releaser interface{ release(message any) }

// guarded runs an actor and makes a bug in it harmless to others: it gives back
// what the message held, logs the stack and tells the supervisor. A panic while
// stopping is only logged, since it would block the parent's own stop.
//
// It also counts what the actor does, for those who watch, and has it answer
// them.
type guarded struct {
	actor.Actor
	*watched
	deps    *env
	current *incarnation // nil: the actor needs none
}

// take has the actor be guarded.
func (g *guarded) take(a actor.Actor) {
	g.Actor = a
	if l, ok := a.(lasting); ok {
		g.current = l.life()
	}
}

// supervising is a guarded actor that decides itself about its children.
type supervising struct {
	guarded
	actor.SupervisorStrategy
}

// lazy is an actor of a family until it has started.
type lazy struct {
	guarded
	produce func(*watched) actor.Actor
}

// late is an actor that is made when it starts, of what is known then of its path.
func late(deps *env, produce func(*watched) actor.Actor) actor.Actor {
	return &lazy{guarded: guarded{deps: deps}, produce: produce}
}

// Receive makes the actor of what comes first, which is Started.
func (u *lazy) Receive(ctx actor.Context) {
	if u.Actor == nil {
		u.watched, _ = u.deps.observer.find(ctx.Self().GetId())
		u.take(u.produce(u.watched))
	}
	u.guarded.Receive(ctx)
}

// Receive passes the message on.
func (g guarded) Receive(ctx actor.Context) {
	defer func() {
		if v := recover(); v != nil {
			g.recovered(ctx, v)
		}
	}()
	switch m := ctx.Message().(type) {
	case *actor.Started, *actor.Restarting, *actor.Stopping, *actor.Stopped:
		g.lives(ctx, m)
		return
	case messages.Inspect, ping, restart:
		g.asked(ctx, m)
		return
	case private:
		if m.from().life != g.current {
			g.late(m)
			return
		}
	}
	n := g.handled.Load() + 1
	g.handled.Store(n) // nobody else writes it
	if n%sampling != 0 {
		g.Actor.Receive(ctx)
		return
	}
	began := time.Now()
	g.Actor.Receive(ctx)
	g.last.Store(int64(time.Since(began)))
}

// late is what comes of an earlier incarnation.
func (g guarded) late(m private) {
	if h, ok := g.Actor.(heir); ok {
		h.inherit(m)
	}
}

// lives takes a step in the actor's life.
func (g guarded) lives(ctx actor.Context, step any) {
	switch step.(type) {
	case *actor.Started:
		g.deps.observer.begin(g.watched, ctx.Self())
		if g.current != nil {
			g.current.start(g.deps, ctx.Self())
		}
	case *actor.Restarting:
		g.deps.Stats.Restarts.Add(g.kind)
		g.become(messages.StateRestarting)
		defer g.ends()
	case *actor.Stopping:
		g.become(messages.StateStopping)
		defer g.ends()
	case *actor.Stopped:
		g.deps.observer.end(g.watched)
	}
	g.Actor.Receive(ctx)
}

func (g guarded) ends() {
	if g.current != nil {
		g.current.end()
	}
}

// asked does what is asked of any actor.
func (g guarded) asked(ctx actor.Context, question any) {
	switch question.(type) {
	case messages.Inspect:
		g.inspected(ctx)
	case ping:
		ctx.Respond(pong{})
	case restart:
		panic(byHand{})
	}
}

// inspected tells the sender what the actor has to say of itself.
func (g guarded) inspected(ctx actor.Context) {
	var facts any
	if i, ok := g.Actor.(inspectable); ok {
		facts = i.facts()
	}
	ctx.Respond(facts)
}

func (g guarded) recovered(ctx actor.Context, v any) {
	switch f := v.(type) {
	case failure:
		g.deps.observer.failed(g.watched, "failed", f.err.Error(), "")
		panic(f)
	case byHand:
		g.deps.observer.failed(g.watched, "failed", f.Error(), "")
		panic(f)
	}
	b, stack := bug{value: v, message: ctx.Message()}, string(debug.Stack())
	g.deps.Stats.Bugs.Add(1)
	g.deps.observer.failed(g.watched, "bug", b.Error(), stack)
	g.deps.Log.Error("a bug: please report it with this stack; the worker goes on",
		"actor", ctx.Self().GetId(), "error", b.Error(), "stack", stack)
	switch ctx.Message().(type) {
	case *actor.Stopping, *actor.Stopped, *actor.Restarting:
		return
	}
	if r, ok := g.Actor.(releaser); ok {
		r.release(ctx.Message())
	}
	panic(b)
}

// propsOf makes fresh Props for one spawn of an actor. What is known of it
// outlives its incarnations.
func propsOf(deps *env, produce func() actor.Actor, options ...actor.PropsOption) *actor.Props {
	w := &watched{}
	mailbox := actor.Unbounded()
	options = append(options, actor.WithDispatcher(deps.dispatcher), actor.WithMailbox(func() actor.Mailbox {
		w.mailbox = mailbox()
		return w.mailbox
	}))
	return actor.PropsFromProducer(func() actor.Actor {
		g := guarded{watched: w, deps: deps}
		g.take(produce())
		if s, ok := g.Actor.(actor.SupervisorStrategy); ok {
			return supervising{g, s}
		}
		return g
	}, options...)
}

// spawn starts a child. Names of children are ours and unique, so that failing
// is a bug. An actor that is stopping still handles messages until its children have
// stopped, and the library stops only those that it had at the first moment: one that comes
// later is stopped here, or its parent would wait for it for ever.
func spawn(ctx actor.Context, name string, props *actor.Props) *actor.PID {
	pid, err := ctx.SpawnNamed(props, name)
	if err != nil {
		panic(fmt.Errorf("spawning %s: %w", name, err))
	}
	if parent, ok := ctx.Actor().(interface{ stops() bool }); ok && parent.stops() {
		ctx.Stop(pid)
	}
	return pid
}

// childName makes a topic filter or a target's name fit for one step of an
// actor's path. Long ones are cut: the serial keeps them apart.
func childName(kind, name string, serial uint64) string {
	escaped := url.PathEscape(name)
	if len(escaped) > 80 {
		escaped = escaped[:80]
	}
	return fmt.Sprintf("%s:%s~%d", kind, strings.ReplaceAll(escaped, "/", "%2F"), serial)
}

// strange counts a message that an actor has no use for; those of the actors'
// life it may ignore.
func (d *env) strange(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case actor.AutoReceiveMessage, actor.SystemMessage, *actor.Terminated:
	default:
		d.Stats.Strange.Add(1)
		d.Log.Debug("a message that its receiver does not understand", "actor", ctx.Self().GetId(), "type", fmt.Sprintf("%T", m))
	}
}
