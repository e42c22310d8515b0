package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/messages"
)

// The reader keeps the commands that were taken from the layer and have not
// taken effect yet: at most Window of them, and no further ones while they take
// CommandMemory. It supervises the receivers, one for each host of the layer, which wait for
// more, and acknowledges to Redis what is done.
//
// It outlives the loss of Redis: what is under way goes on, and what was done
// meanwhile is acknowledged when Redis is back.

// acknowledgeAgain comes when the delay after a failed acknowledgement is over.
type acknowledgeAgain struct{ stamp }

// ackDue comes when what is done has waited for more of it.
type ackDue struct{ stamp }

type reader struct {
	*env
	incarnation
	bridge   Ref[messages.ToBridge]
	router   Ref[messages.ToRouter]
	registry Ref[messages.ToRegistry]
	to       *refs // for the receivers

	receivers receivers
	acks      commands.Acks
	replies   *commands.Replies
	overdue   alarm // the next of the subscribes to which the broker has said nothing
	streams   streamCommands
	quiescing bool
	ended     int // receivers that have stopped
	limited   limitedLog
}

func newReader(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &reader{
			env: deps, bridge: to.bridge, router: to.router, registry: to.registry, to: to,
			replies: commands.NewReplies(), streams: newStreamCommands(deps), receivers: receivers{env: deps},
		}
	})
}

// Receive is the reader's table.
func (r *reader) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		r.receivers.start(ctx, r.to)
	case messages.ReceiverStarted:
		r.receivers.tell(m.Host, messages.OpenReader{Attempt: r.receivers.hosts.Attempts(m.Host)})
	case messages.LayerReached:
		r.reached(m.Host)
	case messages.Took:
		r.took(ctx, m)
	case messages.Answer:
		r.answer(m)
	case messages.Answered:
		r.answered(m.Receipts)
	case rang:
		r.rang(ctx, m)
	case messages.Done:
		r.finished(m.Receipts)
	case messages.ForStreams:
		r.streams.add(messages.Execute(m))
	case messages.StreamsState:
		r.streams.state(m.Up, r.receivers.hosts.Up())
		r.tellQuiet()
	case *acknowledged:
		r.acknowledged(m)
	case *acknowledgeAgain:
		r.acks.Again()
		r.acknowledge()
	case *ackDue:
		r.acks.Due()
		r.write()
	case messages.Undeliverable:
		r.fault(m.Receipt, messages.CodeRefused, m.Reason)
		r.bury(messages.Burial(m))
	case messages.Quiesce:
		r.quiescing = true
		r.receivers.stop(ctx)
	case *actor.Terminated: // nothing more comes from it
		r.ended++
		r.tellQuiet()
	case *actor.Stopping:
		r.overdue.stop()
	default:
		r.strange(ctx)
	}
}

// HandleFailure restarts the receiver, whatever it died of, as often as it
// takes. What it waits before its next attempt is counted here.
func (r *reader) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	f, _ := reason.(failure) // else it was a bug
	if r.receivers.lost(child, f.err) {
		r.tellState(false)
	}
	s.RestartChildren(child)
}

// take asks the receivers for as much as there is room for.
func (r *reader) take() {
	if !r.quiescing {
		r.receivers.take(r.acks.UnderWay().Room(r.Window, r.CommandMemory))
	}
}

// reached has the others know that Redis is there, and asks for commands.
func (r *reader) reached(host int) {
	if r.receivers.reached(host) {
		r.tellState(true)
	}
	r.take()
}

func (r *reader) took(ctx actor.Context, m messages.Took) {
	if !m.Late {
		r.receivers.hosts.Took(m.Host)
	}
	more, now := r.acks.Took(m.Received), time.Now()
	r.Stats.Commands.Add(int64(len(m.Received)))
	r.Stats.CommandsUnderWay.Add(int64(more.Commands))
	r.Stats.CommandBytes.Add(more.Bytes)
	for _, received := range m.Received {
		r.replies.Expect(received, now)
		if received.Fault != nil {
			r.invalid(received)
			continue
		}
		r.router.Tell(messages.Execute{Receipt: received.Receipt, Command: received.Command})
	}
	r.overdue.set(ctx, r.replies.Next())
	r.take()
}

// rang answers the subscribes to which the broker has said nothing.
func (r *reader) rang(ctx actor.Context, m rang) {
	if r.overdue.rings(m) {
		for _, answer := range r.replies.Overdue(time.Now()) {
			r.router.Tell(answer)
		}
	}
	r.overdue.set(ctx, r.replies.Next())
}

// answer has the answer to a command written, if its sender wants one.
func (r *reader) answer(m messages.Answer) {
	if answer := r.replies.Answer(m, time.Now()); answer != nil {
		r.router.Tell(*answer)
	}
}

// fault tells the sender of a command why it did not take effect.
func (r *reader) fault(receipt messages.Receipt, code, reason string) {
	r.answer(messages.Answer{Receipt: receipt, Failure: &messages.Failure{Code: code, Reason: reason}})
}

// invalid gets rid of a message that is no command: said once, counted,
// and kept among the dead letters.
func (r *reader) invalid(m messages.Received) {
	r.Stats.BadCommands.Add(1)
	r.Log.Warn("invalid command: correct the code of the site that sent it; it is a dead letter now", "error", m.Fault)
	r.fault(m.Receipt, m.Code, m.Fault.Error())
	r.bury(messages.Burial{Receipt: m.Receipt, Reason: m.Fault.Error()})
}

func (r *reader) bury(b messages.Burial) {
	if r.replies.Bury(b) {
		r.acks.Bury(b)
	}
	r.acknowledge()
}

func (r *reader) finished(receipts []messages.Receipt) {
	now := time.Now()
	for _, receipt := range receipts {
		r.streams.done(receipt)
		answer, over := r.replies.Done(receipt, now)
		if answer != nil {
			r.router.Tell(*answer)
		}
		if over {
			r.acks.Done(receipt)
		}
	}
	r.acknowledge()
}

// answered lets those commands go that waited for their answers to be written.
func (r *reader) answered(receipts []messages.Receipt) {
	for _, receipt := range receipts {
		switch over, burial := r.replies.Written(receipt); {
		case !over:
		case burial != nil:
			r.acks.Bury(*burial)
		default:
			r.acks.Done(receipt)
		}
	}
	r.acknowledge()
}

// acknowledge tells Redis what is done, when it is time.
func (r *reader) acknowledge() {
	switch r.acks.Next(r.quiescing) {
	case commands.AckNow:
		r.write()
	case commands.AckSoon:
		r.after(commands.AckWait, &ackDue{})
	default:
		r.tellQuiet()
	}
}

// write begins a round, if there is something to tell.
func (r *reader) write() {
	round, ok := r.acks.Begin()
	if !ok {
		return
	}
	r.run("telling Redis what is done", &acknowledged{env: r.env, Round: round})
}

func (r *reader) acknowledged(m *acknowledged) {
	gone, failures := r.acks.Ended(m.Round, m.err != nil)
	r.Stats.CommandsUnderWay.Add(-int64(gone.Commands))
	r.Stats.CommandBytes.Add(-gone.Bytes)
	r.take()
	if failures == 0 {
		r.acknowledge()
		return
	}
	r.limited.warn(r.env, "telling Redis what is done", m.err)
	r.retry(failures, &acknowledgeAgain{})
}

// tellQuiet answers Quiesce when every command has taken effect and Redis has
// been told.
func (r *reader) tellQuiet() {
	if r.ended == r.receivers.hosts.Len() && r.acks.Idle(r.streams.stay()) {
		r.bridge.Tell(messages.Quiet{From: readerName})
	}
}

func (r *reader) tellState(up bool) {
	r.bridge.Tell(messages.LayerState{Up: up})
	r.registry.Tell(messages.LayerState{Up: up})
	r.streams.layer(up)
}

func (r *reader) facts() any {
	load := r.acks.UnderWay()
	return messages.ReaderFacts{
		UnderWay: load.Commands, Bytes: load.Bytes, Window: r.Window, Unanswered: r.replies.Len(),
		LayerUp: r.receivers.hosts.Up(), Trouble: r.receivers.hosts.Reason(),
	}
}
