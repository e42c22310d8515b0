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

// failure is what an actor panics with when its connection has failed. Any other panic is a
// bug.
type failure struct{ err error }

// fail ends the incarnation of the calling actor. Its supervisor gets the failure. It does not
// return.
func fail(err error) { panic(failure{err}) }

// bug is what the supervisor gets of any other panic.
type bug struct {
	value   any
	message any
}

// Error names the panic and the type of the message.
func (b bug) Error() string { return fmt.Sprintf("panic while handling %T: %v", b.message, b.value) }

// releaser is an actor whose messages hold a delivery's weight or a command's receipt. release
// gives that back after handling the message has panicked.
type releaser interface{ release(message any) }

// guarded wraps an actor, so that a bug in it costs nobody else: it gives back what the message
// held, logs the stack, and passes the bug to the supervisor. A panic while stopping is only
// logged, since it would block the parent's own stop.
//
// It also counts what the actor does, and answers Inspect for it.
type guarded struct {
	actor.Actor
	*record
	deps    *env
	current *incarnation // nil: the actor needs none
}

// take sets the actor.
func (g *guarded) take(a actor.Actor) {
	g.Actor = a
	if l, ok := a.(lasting); ok {
		g.current = l.this()
	}
}

// supervising is a guarded actor that supervises its children itself.
type supervising struct {
	guarded
	actor.SupervisorStrategy
}

// lazy is an actor of a spawner until it has started.
type lazy struct {
	guarded
	produce func(*record) actor.Actor
}

// newLazy makes an actor that is built from its record when it starts.
func newLazy(deps *env, produce func(*record) actor.Actor) actor.Actor {
	return &lazy{guarded: guarded{deps: deps}, produce: produce}
}

// Receive builds the actor at its first message, which is Started.
func (u *lazy) Receive(ctx actor.Context) {
	if u.Actor == nil {
		u.record, _ = u.deps.registry.find(ctx.Self().GetId())
		u.take(u.produce(u.record))
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
		g.lifecycle(ctx, m)
		return
	case messages.Inspect, ping, restart:
		g.answer(ctx, m)
		return
	case private:
		if m.from().incarnation != g.current {
			g.stale(m)
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

// stale handles what comes of an earlier incarnation.
func (g guarded) stale(m private) {
	if h, ok := g.Actor.(heir); ok {
		h.inherit(m)
	}
}

// lifecycle handles a step in the life of the actor.
func (g guarded) lifecycle(ctx actor.Context, step any) {
	switch step.(type) {
	case *actor.Started:
		g.deps.registry.started(g.record, ctx.Self())
		if g.current != nil {
			g.current.start(g.deps, ctx.Self())
		}
	case *actor.Restarting:
		g.deps.Stats.Restarts.Add(g.kind)
		g.become(messages.StateRestarting)
		defer g.close()
	case *actor.Stopping:
		g.become(messages.StateStopping)
		defer g.close()
	case *actor.Stopped:
		g.deps.registry.stopped(g.record)
	}
	g.Actor.Receive(ctx)
}

func (g guarded) close() {
	if g.current != nil {
		g.current.close()
	}
}

// answer answers what any actor answers.
func (g guarded) answer(ctx actor.Context, question any) {
	switch question.(type) {
	case messages.Inspect:
		g.inspect(ctx)
	case ping:
		ctx.Respond(pong{})
	case restart:
		panic(injectedFailure{})
	}
}

// inspect sends the sender what the actor shows of itself.
func (g guarded) inspect(ctx actor.Context) {
	var info any
	if i, ok := g.Actor.(inspectable); ok {
		info = i.info()
	}
	ctx.Respond(info)
}

func (g guarded) recovered(ctx actor.Context, v any) {
	switch f := v.(type) {
	case failure:
		g.deps.registry.failed(g.record, "failed", f.err.Error(), "")
		panic(f)
	case injectedFailure:
		g.deps.registry.failed(g.record, "failed", f.Error(), "")
		panic(f)
	}
	b, stack := bug{value: v, message: ctx.Message()}, string(debug.Stack())
	g.deps.Stats.Bugs.Add(1)
	g.deps.registry.failed(g.record, "bug", b.Error(), stack)
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

// propsOf makes the Props for one spawn of an actor. The record of the actor outlives its
// incarnations.
func propsOf(deps *env, produce func() actor.Actor, options ...actor.PropsOption) *actor.Props {
	w := &record{}
	mailbox := actor.Unbounded()
	options = append(options, actor.WithDispatcher(deps.dispatcher), actor.WithMailbox(func() actor.Mailbox {
		w.mailbox = mailbox()
		return w.mailbox
	}))
	return actor.PropsFromProducer(func() actor.Actor {
		g := guarded{record: w, deps: deps}
		g.take(produce())
		if s, ok := g.Actor.(actor.SupervisorStrategy); ok {
			return supervising{g, s}
		}
		return g
	}, options...)
}

// spawn starts a child. Names of children are unique, so an error is a bug. An actor that is
// stopping still handles messages until its children have stopped, but the library stops only
// those that it had when it began. A later one is stopped here, or the parent would wait for it
// for ever.
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

// childName makes one step of an actor's path from a filter or target's name. Long names are
// cut; the uid keeps them apart.
func childName(kind, name string, uid uint64) string {
	escaped := url.PathEscape(name)
	if len(escaped) > 80 {
		escaped = escaped[:80]
	}
	return fmt.Sprintf("%s:%s~%d", kind, strings.ReplaceAll(escaped, "/", "%2F"), uid)
}

// unhandled counts a message that an actor does not handle. Those of an actor's life cycle do
// not count.
func (d *env) unhandled(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case actor.AutoReceiveMessage, actor.SystemMessage, *actor.Terminated:
	default:
		d.Stats.Unhandled.Add(1)
		d.Log.Debug("unhandled message", "actor", ctx.Self().GetId(), "type", fmt.Sprintf("%T", m))
	}
}
