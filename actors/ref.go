package actors

import "github.com/asynkron/protoactor-go/actor"

// Ref is the address of an actor that receives T and nothing else. Its zero
// value is nobody's address.
type Ref[T any] struct {
	root *actor.RootContext
	pid  *actor.PID
}

// refTo makes the typed address of the actor with that path.
func refTo[T any](system *actor.ActorSystem, path string) Ref[T] {
	return Ref[T]{root: system.Root, pid: system.NewLocalPID(path)}
}

// refOf makes a typed address of a known PID.
func refOf[T any](system *actor.ActorSystem, pid *actor.PID) Ref[T] {
	return Ref[T]{root: system.Root, pid: pid}
}

// Tell puts m into the actor's mailbox. It never waits.
func (r Ref[T]) Tell(m T) { r.root.Send(r.pid, m) }
