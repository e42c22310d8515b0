package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// family makes the actors of one kind under one parent. There may be a hundred thousand, so
// they share their Props, and each is built when it starts.
type family struct {
	deps    *env
	mailbox actor.MailboxProducer
	props   *actor.Props
	next    actor.Mailbox // of the one that is being spawned
}

// newFamily makes a family for one incarnation of the parent.
func newFamily(deps *env, mailbox actor.MailboxProducer, produce func(*record) actor.Actor) *family {
	f := &family{deps: deps, mailbox: mailbox}
	f.props = actor.PropsFromProducer(
		func() actor.Actor { return newLazy(deps, produce) },
		actor.WithDispatcher(deps.dispatcher),
		actor.WithMailbox(func() actor.Mailbox { return f.next }))
	return f
}

// spawn starts the actor of a filter or target. Its record outlives its incarnations.
func (f *family) spawn(ctx actor.Context, kind, name string, uid uint64) (*actor.PID, *record) {
	id := childName(kind, name, uid)
	f.next = f.mailbox()
	record := &record{
		name: name, path: ctx.Self().GetId() + "/" + id, kind: kind,
		mailbox: f.next, state: messages.StateRunning,
	}
	f.deps.registry.expect(record)
	return spawn(ctx, id, f.props), record
}
