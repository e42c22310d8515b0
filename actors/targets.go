package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// The kinds of those actors whose target is no group.
const (
	channelKind = "channel"
	streamKind  = "stream"
)

// targets are the actors, children of the router, of those to which something is delivered.
// One is made when something goes to its target first. It is stopped when no subscription
// serves the target any more and nothing is left: the router asks it to retire, with a
// number that is out of date once something more has gone to it.
type targets struct {
	*env
	parent actor.Context // the router's
	family *family
	actors map[messages.Target]*targetActor
	serial uint64

	quiescing bool
	quiet     map[string]bool // by target
}

// targetActor is what is known of one of them.
type targetActor struct {
	Ref[messages.ToGroup]
	number uint64 // of the last Retire, or of what has gone to it since
}

func newTargetActors(deps *env, to *refs) targets {
	return targets{env: deps, family: newTargets(deps, to), actors: map[messages.Target]*targetActor{}, quiet: map[string]bool{}}
}

// of is a target's actor, to which something is about to go.
func (t *targets) of(target messages.Target) *targetActor {
	a, ok := t.actors[target]
	if !ok {
		t.serial++
		pid := t.family.spawn(t.parent, target.Kind.String(), target.Name, t.serial)
		a = &targetActor{Ref: refOf[messages.ToGroup](t.system, pid)}
		t.actors[target] = a
		if t.quiescing {
			a.Tell(messages.Quiesce{})
		}
	}
	a.number++
	return a
}

// tell tells a target's actor something, if there is one.
func (t *targets) tell(target messages.Target, m messages.ToGroup) bool {
	a, ok := t.actors[target]
	if ok {
		a.Tell(m)
	}
	return ok
}

// retire has the actor of a target, if there is one, say when it has nothing left.
func (t *targets) retire(target messages.Target) {
	if a, ok := t.actors[target]; ok {
		a.number++
		a.Tell(messages.Retire{Number: a.number})
	}
}

// drained stops an actor that has nothing left, unless something has gone to it since.
func (t *targets) drained(m messages.Drained) {
	if a, ok := t.actors[m.Target]; ok && a.number == m.Number {
		delete(t.actors, m.Target)
		t.parent.Poison(a.pid) // behind a HandOver
	}
}

// quiesce has all say when nothing waits.
func (t *targets) quiesce() {
	if t.quiescing {
		return
	}
	t.quiescing = true
	for _, a := range t.actors {
		a.Tell(messages.Quiesce{})
	}
}

// allQuiet says whether all have.
func (t *targets) allQuiet() bool {
	for target := range t.actors {
		if !t.quiet[target.String()] {
			return false
		}
	}
	return true
}
