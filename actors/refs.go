package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// refs are the addresses of the actors under a bridge. Whoever makes an actor gives it
// those to which it speaks.
type refs struct {
	bridge   Ref[messages.ToBridge]
	commands Ref[messages.ToCommands]
	router   Ref[messages.ToRouter]
	store    Ref[messages.ToStore]
	requests Ref[messages.ToRequests]
	session  Ref[messages.ToSession]
}

// newRefs are those of the slot with that number. That of the streams has the commands actor of the
// first.
func newRefs(system *actor.ActorSystem, slot int) *refs {
	at, reads := pathsOf(slot), pathsOf(max(slot, 0))
	return &refs{
		bridge:   refTo[messages.ToBridge](system, at.bridge),
		commands: refTo[messages.ToCommands](system, reads.bridge+"/"+commandsName),
		router:   refTo[messages.ToRouter](system, at.router),
		store:    refTo[messages.ToStore](system, at.store),
		requests: refTo[messages.ToRequests](system, at.bridge+"/"+requestsName),
		session:  refTo[messages.ToSession](system, at.session),
	}
}

// giveBack settles one part of a delivery.
func giveBack(session Ref[messages.ToSession], token messages.Token, weight uint64) {
	session.Tell(messages.Settled{Parts: []messages.Settlement{{Token: token, Weight: weight}}})
}

// failCommand ends a command that a bug has cost.
func failCommand(commands Ref[messages.ToCommands], receipt messages.Receipt) {
	commands.Tell(messages.Reply{Receipt: receipt, Failure: &messages.Failure{Code: messages.CodeBug, Reason: "a bug in the worker; see its log"}})
	commands.Tell(messages.Done{Receipts: []messages.Receipt{receipt}})
}
