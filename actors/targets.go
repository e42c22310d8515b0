package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// The kinds of those fanouts whose target is no group.
const (
	channelKind = "channel"
	streamKind  = "stream"
)

// targets are the actors of targets, which are children of the router. One is made when the
// first message goes to its target. It is stopped when no subscription serves the target and
// nothing is left: the router sends StopWhenIdle, with a number that is out of date once
// something more has gone to the actor.
type targets struct {
	*env
	parent  actor.Context // the router's
	spawner *spawner
	actors  map[messages.Target]*targetActor
	uid     uint64 // of the last actor

	draining bool
	drained  map[string]bool // by target
}

// targetActor is the actor of one target.
type targetActor struct {
	Ref[messages.ToFanout]
	number uint64 // of the last StopWhenIdle, or of what has gone to it since
}

func newTargetActors(deps *env, to *refs) targets {
	return targets{env: deps, spawner: newTargets(deps, to), actors: map[messages.Target]*targetActor{}, drained: map[string]bool{}}
}

// of returns the actor of a target, for something to be sent to it. It makes one if need be.
func (t *targets) of(target messages.Target) *targetActor {
	a, ok := t.actors[target]
	if !ok {
		t.uid++
		pid, _ := t.spawner.spawn(t.parent, target.Kind.String(), target.Name, t.uid)
		a = &targetActor{Ref: refOf[messages.ToFanout](t.system, pid)}
		t.actors[target] = a
		if t.draining {
			a.Tell(messages.Drain{})
		}
	}
	a.number++
	return a
}

// sendTo sends m to the actor of a target, if there is one.
func (t *targets) sendTo(target messages.Target, m messages.ToFanout) bool {
	a, ok := t.actors[target]
	if ok {
		a.Tell(m)
	}
	return ok
}

// stopWhenIdle stops the actor of a target, if there is one, once it has nothing left.
func (t *targets) stopWhenIdle(target messages.Target) {
	if a, ok := t.actors[target]; ok {
		a.number++
		a.Tell(messages.StopWhenIdle{Number: a.number})
	}
}

// stopIdle stops an actor that has nothing left, unless something has gone to it since.
func (t *targets) stopIdle(m messages.Idle) {
	if a, ok := t.actors[m.Target]; ok && a.number == m.Number {
		delete(t.actors, m.Target)
		t.parent.Poison(a.pid) // behind a HandOver
	}
}

// drainTargets asks all actors, also later ones, to answer Drained.
func (t *targets) drainTargets() {
	if t.draining {
		return
	}
	t.draining = true
	for _, a := range t.actors {
		a.Tell(messages.Drain{})
	}
}

// allDrained says whether all have answered.
func (t *targets) allDrained() bool {
	for target := range t.actors {
		if !t.drained[target.String()] {
			return false
		}
	}
	return true
}
