package actors

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// The bridge is the root. It starts the actors from the sinks to the sources, and stops
// them the other way round.
//
// To stop, it drains the sources: they take nothing new. It waits for what is under way
// while both sides are there, at most DrainTimeout. What is left is safe where it came from.

// drainOver comes when DrainTimeout is over.
type drainOver struct{ stamp }

// bridgeChildren are the names of the children in the order of stopping.
var bridgeChildren = []string{commandsName, requestsName, routerName, storeName, sessionName}

type bridge struct {
	*env
	incarnation
	to    *refs
	ended func(error)

	children     map[string]*actor.PID
	layerUp      bool
	connectionUp bool

	stopping bool
	drained  map[string]bool
	deadline reminder
	leaving  string // the child that is being stopped
	err      error
}

func newBridge(deps *env, to *refs, guardian *guardian, ended func(error)) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &bridge{env: deps, to: to, ended: ended, children: map[string]*actor.PID{}, drained: map[string]bool{}}
	}, actor.WithGuardian(guardian))
}

// Receive is the bridge's table.
func (b *bridge) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		b.start(ctx)
	case messages.LayerState:
		b.layerUp = m.Up
		b.health.layer.Store(m.Up)
		b.proceed(ctx)
	case messages.ConnectionState:
		b.connectionUp = m.Up
		b.health.broker.Store(m.Up)
		b.proceed(ctx)
	case messages.Shutdown:
		b.shutdown(ctx)
	case messages.Drained:
		b.drained[m.From] = true
		b.proceed(ctx)
	case *drainOver, messages.Abandon:
		b.stopNext(ctx)
	case *actor.Terminated:
		b.childEnded(ctx, m.Who)
	case *actor.Stopped:
		b.ended(b.err)
	default:
		b.unhandled(ctx)
	}
}

// HandleFailure lets a child go on after a bug. It stops the worker if the child could not
// start, or fails again and again.
func (b *bridge) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, _ any) {
	_, wanted := reason.(injectedFailure)
	if wanted || !starting(reason) && tolerable(rs) {
		b.registry.note(child.GetId(), "resumed", "it goes on with its state and its next message")
		s.ResumeChildren(child)
		return
	}
	b.err = errors.Join(b.err, fatal(child, reason))
	s.StopChildren(child)
	b.send(&drainOver{})
}

func (b *bridge) start(ctx actor.Context) {
	defer close(b.started)
	b.children[routerName] = spawn(ctx, routerName, newRouter(b.env, b.to))
	b.children[requestsName] = spawn(ctx, requestsName, newRequests(b.env, b.to))
	b.children[sessionName] = spawn(ctx, sessionName, newSession(b.env, b.to))
	b.children[storeName] = spawn(ctx, storeName, newStore(b.env, b.to))
	if b.Slot != 0 { // only the first slot reads commands
		b.drained[commandsName] = true
		return
	}
	b.children[commandsName] = spawn(ctx, commandsName, newCommands(b.env, b.to))
}

func (b *bridge) shutdown(ctx actor.Context) {
	if b.stopping {
		return
	}
	b.stopping = true
	b.health.stopping.Store(true)
	b.deadline = b.after(b.DrainTimeout, &drainOver{})
	if b.Slot == 0 { // the slot of the streams shares this actor
		b.to.commands.Tell(messages.Drain{})
	}
	b.to.requests.Tell(messages.Drain{})
	b.to.session.Tell(messages.Drain{})
	b.proceed(ctx)
}

// proceed stops the children when nothing is under way, or nothing can be finished since
// one side is unreachable.
func (b *bridge) proceed(ctx actor.Context) {
	if !b.stopping || b.leaving != "" {
		return
	}
	sources := b.drained[commandsName] && b.drained[sessionName] || !b.connectionUp
	switch {
	case !b.layerUp || sources && b.drained[routerName]:
		b.stopNext(ctx)
	case sources:
		b.to.router.Tell(messages.Drain{})
	}
}

// stopNext stops the next child, or the bridge itself after the last.
func (b *bridge) stopNext(ctx actor.Context) {
	b.stopping = true
	b.health.stopping.Store(true)
	b.deadline.stop()
	for _, name := range bridgeChildren {
		if pid, ok := b.children[name]; ok {
			if b.leaving != name {
				b.leaving = name
				ctx.Stop(pid)
			}
			return
		}
	}
	ctx.Stop(ctx.Self())
}

func (b *bridge) childEnded(ctx actor.Context, who *actor.PID) {
	for name, pid := range b.children {
		if pid.Equal(who) {
			delete(b.children, name)
		}
	}
	b.stopNext(ctx)
}

func (b *bridge) info() any {
	return messages.BridgeInfo{LayerUp: b.layerUp, ConnectionUp: b.connectionUp, Stopping: b.stopping}
}
