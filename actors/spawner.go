package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// spawner starts the actors of filters, or of targets, under one parent. There may be a
// hundred thousand, so they share their Props, and each is built when it starts.
type spawner struct {
	deps    *env
	mailbox actor.MailboxProducer
	props   *actor.Props
	next    actor.Mailbox // of the one that is being spawned
}

// newSpawner makes a spawner for one incarnation of the parent.
func newSpawner(deps *env, mailbox actor.MailboxProducer, produce func(*record) actor.Actor) *spawner {
	s := &spawner{deps: deps, mailbox: mailbox}
	s.props = actor.PropsFromProducer(
		func() actor.Actor { return newLazy(deps, produce) },
		actor.WithDispatcher(deps.dispatcher),
		actor.WithMailbox(func() actor.Mailbox { return s.next }))
	return s
}

// spawn starts the actor of a filter or target. Its record outlives its incarnations.
func (s *spawner) spawn(ctx actor.Context, kind, name string, uid uint64) (*actor.PID, *record) {
	id := childName(kind, name, uid)
	s.next = s.mailbox()
	record := &record{
		name: name, path: ctx.Self().GetId() + "/" + id, kind: kind,
		mailbox: s.next, state: messages.StateRunning,
	}
	s.deps.registry.expect(record)
	return spawn(ctx, id, s.props), record
}
