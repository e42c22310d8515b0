package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// groups makes an actor for each target that something is delivered to, passes
// the deliveries on, and stops the actor when no subscription serves the target
// any more and it has nothing left. One that was made for an answer is stopped
// once that is written, if no subscription serves its target by then.

// The kinds of those actors whose target is no group.
const (
	channelKind = "channel"
	streamKind  = "stream"
)

// targetActor is what groups knows of one target's actor.
type targetActor struct {
	pid       *actor.PID
	group     Ref[messages.ToGroup]
	forwarded uint64
}

type groups struct {
	*env
	bridge Ref[messages.ToBridge]
	router Ref[messages.ToRouter]
	reader Ref[messages.ToReader]
	broker Ref[messages.ToBroker]

	family  *family
	targets map[messages.Target]*targetActor
	serial  uint64

	quiescing bool
	quiet     map[string]bool // by target
}

func newGroups(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &groups{env: deps, bridge: to.bridge, router: to.router, reader: to.reader, broker: to.broker, family: newTargets(deps, to), targets: map[messages.Target]*targetActor{}, quiet: map[string]bool{}}
	}, actor.WithSupervisor(resumeFirst{}))
}

// Receive is the groups' table.
func (g *groups) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Deliver:
		g.deliver(ctx, m)
	case messages.Welcome:
		g.forward(ctx, m.Target, m)
	case messages.Welcomed:
		if t, ok := g.targets[m.Target]; ok {
			t.group.Tell(m)
		}
	case messages.Retire:
		if t, ok := g.targets[m.Target]; ok {
			t.group.Tell(m)
		}
	case messages.HandOver:
		if t, ok := g.targets[m.Target]; ok {
			t.group.Tell(m)
		} else {
			g.router.Tell(messages.HandedOver{ID: m.ID})
		}
	case messages.Drained:
		g.drained(ctx, m)
	case messages.Quiesce:
		g.quiesce()
	case messages.Quiet:
		g.quiet[m.From] = true
		g.tellQuiet()
	default:
		g.strange(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (g *groups) release(message any) {
	m, ok := message.(messages.Deliver)
	switch {
	case !ok:
	case m.Weight > 0:
		giveBack(g.broker, m.Token, m.Weight)
	case m.Receipt != "":
		g.reader.Tell(messages.Answered{Receipts: []messages.Receipt{m.Receipt}})
	}
}

func (g *groups) deliver(ctx actor.Context, m messages.Deliver) {
	_, known := g.targets[m.Target]
	g.forward(ctx, m.Target, m)
	if !known && m.Weight == 0 {
		g.targets[m.Target].group.Tell(messages.Retire{Target: m.Target})
	}
}

func (g *groups) forward(ctx actor.Context, target messages.Target, m messages.ToGroup) {
	t := g.of(ctx, target)
	t.forwarded++
	t.group.Tell(m)
}

func (g *groups) of(ctx actor.Context, target messages.Target) *targetActor {
	if t, ok := g.targets[target]; ok {
		return t
	}
	g.serial++
	pid := g.family.spawn(ctx, target.Kind.String(), target.Name, g.serial)
	t := &targetActor{pid: pid, group: refOf[messages.ToGroup](g.system, pid)}
	g.targets[target] = t
	if g.quiescing {
		t.group.Tell(messages.Quiesce{})
	}
	return t
}

// drained stops a retired actor, unless something was sent to it since.
func (g *groups) drained(ctx actor.Context, m messages.Drained) {
	t, ok := g.targets[m.Target]
	if !ok || t.forwarded != m.Handled {
		return
	}
	delete(g.targets, m.Target)
	ctx.Poison(t.pid) // behind a HandOver
	g.tellQuiet()
}

func (g *groups) quiesce() {
	g.quiescing = true
	for _, t := range g.targets {
		t.group.Tell(messages.Quiesce{})
	}
	g.tellQuiet()
}

// tellQuiet answers Quiesce when every group has.
func (g *groups) tellQuiet() {
	if !g.quiescing {
		return
	}
	for target := range g.targets {
		if !g.quiet[target.String()] {
			return
		}
	}
	g.bridge.Tell(messages.Quiet{From: groupsName})
}

func (g *groups) facts() any { return messages.GroupsFacts{Targets: len(g.targets)} }
