package actors

import (
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
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
type guarded struct {
	actor.Actor
	log   *slog.Logger
	stats *Stats
}

// supervising is a guarded actor that decides itself about its children.
type supervising struct {
	guarded
	actor.SupervisorStrategy
}

// Receive passes the message on.
func (g guarded) Receive(ctx actor.Context) {
	defer func() {
		if v := recover(); v != nil {
			g.recovered(ctx, v)
		}
	}()
	switch ctx.Message().(type) {
	case ping:
		ctx.Respond(pong{})
		return
	case *actor.Restarting:
		g.stats.Restarts.add(kindOf(ctx.Self().GetId()))
	}
	g.Actor.Receive(ctx)
}

func (g guarded) recovered(ctx actor.Context, v any) {
	if f, ok := v.(failure); ok {
		panic(f)
	}
	b := bug{value: v, message: ctx.Message()}
	g.stats.Bugs.Add(1)
	g.log.Error("a bug: please report it with this stack; the worker goes on",
		"actor", ctx.Self().GetId(), "error", b.Error(), "stack", string(debug.Stack()))
	switch ctx.Message().(type) {
	case *actor.Stopping, *actor.Stopped, *actor.Restarting:
		return
	}
	if r, ok := g.Actor.(releaser); ok {
		r.release(ctx.Message())
	}
	panic(b)
}

// propsOf makes fresh Props for one spawn of an actor.
func propsOf(deps *dependencies, produce func() actor.Actor, options ...actor.PropsOption) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		g := guarded{Actor: produce(), log: deps.Log, stats: deps.Stats}
		if s, ok := g.Actor.(actor.SupervisorStrategy); ok {
			return supervising{g, s}
		}
		return g
	}, options...)
}

// spawn starts a child. Names of children are ours and unique, so that failing
// is a bug.
func spawn(ctx actor.SpawnerContext, name string, props *actor.Props) *actor.PID {
	pid, err := ctx.SpawnNamed(props, name)
	if err != nil {
		panic(fmt.Errorf("spawning %s: %w", name, err))
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
func (d *dependencies) strange(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case actor.AutoReceiveMessage, actor.SystemMessage, *actor.Terminated:
	default:
		d.Stats.Strange.Add(1)
		d.Log.Debug("a message that its receiver does not understand", "actor", ctx.Self().GetId(), "type", fmt.Sprintf("%T", m))
	}
}
