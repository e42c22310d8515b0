package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/messages"
)

// The reader keeps the commands under way: those fetched from the layer that have not taken
// effect yet. It fetches no further ones while there are Window of them, or they take
// CommandMemory. It supervises the receivers, one for each host of the layer, and
// acknowledges finished commands to Redis.
//
// It outlives the loss of Redis: what is under way goes on, and finished commands are
// acknowledged when Redis is back.

// acknowledgeAgain comes when the delay after a failed acknowledgement is over.
type acknowledgeAgain struct{ stamp }

// ackDue comes when finished commands have waited long enough for others of a batch.
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
	overdue   alarm // when the next subscribe without the broker's answer is answered
	streams   streamCommands
	draining  bool
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
		r.receivers.send(m.Host, messages.OpenReader{Attempt: r.receivers.hosts.Attempts(m.Host)})
	case messages.LayerReached:
		r.reached(m.Host)
	case messages.Fetched:
		r.fetched(ctx, m)
	case messages.Answer:
		r.answer(m)
	case messages.ReplyWritten:
		r.answered(m.Receipts)
	case fired:
		r.fired(ctx, m)
	case messages.Done:
		r.finished(m.Receipts)
	case messages.ForStreams:
		r.streams.add(messages.Execute(m))
	case messages.StreamsState:
		r.streams.state(m.Up, r.receivers.hosts.Up())
		r.reportDrained()
	case *acknowledged:
		r.acknowledged(m)
	case *acknowledgeAgain:
		r.acks.Again()
		r.acknowledge()
	case *ackDue:
		r.acks.Due()
		r.write()
	case messages.DeadLetter:
		r.fault(m.Receipt, messages.CodeRefused, m.Reason)
		r.deadLetter(m)
	case messages.Drain:
		r.draining = true
		r.receivers.stop(ctx)
	case *actor.Terminated: // nothing more comes from it
		r.ended++
		r.reportDrained()
	case *actor.Stopping:
		r.overdue.stop()
	default:
		r.unhandled(ctx)
	}
}

// HandleFailure restarts the receiver after any failure, without limit. receivers counts the
// failed attempts, from which its next delay follows.
func (r *reader) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	f, _ := reason.(failure) // else it was a bug
	if r.receivers.lost(child, f.err) {
		r.reportState(false)
	}
	s.RestartChildren(child)
}

// fetch asks the receivers for as many commands as there is room for.
func (r *reader) fetch() {
	if !r.draining {
		r.receivers.fetch(r.acks.UnderWay().Room(r.Window, r.CommandMemory))
	}
}

// reached tells the others that Redis is there, and fetches commands.
func (r *reader) reached(host int) {
	if r.receivers.reached(host) {
		r.reportState(true)
	}
	r.fetch()
}

func (r *reader) fetched(ctx actor.Context, m messages.Fetched) {
	if !m.Late {
		r.receivers.hosts.Fetched(m.Host)
	}
	more, now := r.acks.Fetched(m.Received), time.Now()
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
	r.fetch()
}

// fired answers the subscribes that the broker has not answered in time.
func (r *reader) fired(ctx actor.Context, m fired) {
	if r.overdue.fired(m) {
		for _, answer := range r.replies.Overdue(time.Now()) {
			r.router.Tell(answer)
		}
	}
	r.overdue.set(ctx, r.replies.Next())
}

// answer writes the answer to a command, if its sender wants one.
func (r *reader) answer(m messages.Answer) {
	if answer := r.replies.Answer(m, time.Now()); answer != nil {
		r.router.Tell(*answer)
	}
}

// fault answers a command that did not take effect.
func (r *reader) fault(receipt messages.Receipt, code, reason string) {
	r.answer(messages.Answer{Receipt: receipt, Failure: &messages.Failure{Code: code, Reason: reason}})
}

// invalid handles a message that is no valid command: it is counted, logged, and put into the
// dead letters.
func (r *reader) invalid(m messages.Received) {
	r.Stats.BadCommands.Add(1)
	r.Log.Warn("invalid command: correct the code of the site that sent it; it is a dead letter now", "error", m.Fault)
	r.fault(m.Receipt, m.Code, m.Fault.Error())
	r.deadLetter(messages.DeadLetter{Receipt: m.Receipt, Reason: m.Fault.Error()})
}

func (r *reader) deadLetter(l messages.DeadLetter) {
	if r.replies.DeadLetter(l) {
		r.acks.DeadLetter(l)
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

// answered finishes commands that only waited for their answers to be written.
func (r *reader) answered(receipts []messages.Receipt) {
	for _, receipt := range receipts {
		switch over, letter := r.replies.Written(receipt); {
		case !over:
		case letter != nil:
			r.acks.DeadLetter(*letter)
		default:
			r.acks.Done(receipt)
		}
	}
	r.acknowledge()
}

// acknowledge acknowledges finished commands to Redis, in batches.
func (r *reader) acknowledge() {
	switch r.acks.Next(r.draining) {
	case commands.AckNow:
		r.write()
	case commands.AckSoon:
		r.after(commands.AckWait, &ackDue{})
	default:
		r.reportDrained()
	}
}

// write starts to acknowledge, if there is something to acknowledge.
func (r *reader) write() {
	round, ok := r.acks.Begin()
	if !ok {
		return
	}
	r.run("acknowledging commands", &acknowledged{env: r.env, Round: round})
}

func (r *reader) acknowledged(m *acknowledged) {
	gone, failures := r.acks.Ended(m.Round, m.err != nil)
	r.Stats.CommandsUnderWay.Add(-int64(gone.Commands))
	r.Stats.CommandBytes.Add(-gone.Bytes)
	r.fetch()
	if failures == 0 {
		r.acknowledge()
		return
	}
	r.limited.warn(r.env, "acknowledging commands", m.err)
	r.retry(failures, &acknowledgeAgain{})
}

// reportDrained answers Drain when every command has taken effect and is acknowledged.
func (r *reader) reportDrained() {
	if r.ended == r.receivers.hosts.Len() && r.acks.Idle(r.streams.stay()) {
		r.bridge.Tell(messages.Drained{From: readerName})
	}
}

func (r *reader) reportState(up bool) {
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
