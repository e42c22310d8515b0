package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/messages"
)

// The commands actor keeps the commands under way: those fetched from the layer that have not taken
// effect yet. It fetches no further ones while there are Window of them, or they take
// CommandMemory. It supervises the readers, one for each host of the layer, and
// acknowledges finished commands to Redis.
//
// It outlives the loss of Redis: what is under way goes on, and finished commands are
// acknowledged when Redis is back.

// acknowledgeAgain comes when the delay after a failed acknowledgement is over.
type acknowledgeAgain struct{ stamp }

// ackDue comes when finished commands have waited long enough for others of a batch.
type ackDue struct{ stamp }

type commandsActor struct {
	*env
	incarnation
	bridge Ref[messages.ToBridge]
	router Ref[messages.ToRouter]
	store  Ref[messages.ToStore]
	to     *refs // for the readers

	readers  readers
	acks     commands.Acks
	replies  *commands.Replies
	overdue  timer // when the next subscribe without the broker's answer is answered
	streams  streamCommands
	draining bool
	ended    int // readers that have stopped
	limited  limitedLog
}

func newCommands(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &commandsActor{
			env: deps, bridge: to.bridge, router: to.router, store: to.store, to: to,
			replies: commands.NewReplies(), streams: newStreamCommands(deps), readers: readers{env: deps},
		}
	})
}

// Receive is the commands actor's table.
func (c *commandsActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.readers.start(ctx, c.to)
	case messages.ReaderStarted:
		c.readers.send(m.Host, messages.OpenReader{Attempt: c.readers.hosts.Attempts(m.Host)})
	case messages.LayerReached:
		c.reached(m.Host)
	case messages.Fetched:
		c.fetched(ctx, m)
	case messages.Reply:
		c.answer(m)
	case messages.ReplyWritten:
		c.answered(m.Receipts)
	case fired:
		c.fired(ctx, m)
	case messages.Done:
		c.finished(m.Receipts)
	case messages.ForStreams:
		c.streams.add(messages.Execute(m))
	case messages.StreamsState:
		c.streams.state(m.Up, c.readers.hosts.Up())
		c.reportDrained()
	case *acknowledged:
		c.acknowledged(m)
	case *acknowledgeAgain:
		c.acks.Again()
		c.acknowledge()
	case *ackDue:
		c.acks.Due()
		c.write()
	case messages.DeadLetter:
		c.fault(m.Receipt, messages.CodeRefused, m.Reason)
		c.deadLetter(m)
	case messages.Drain:
		c.draining = true
		c.readers.stop(ctx)
	case *actor.Terminated: // nothing more comes from it
		c.ended++
		c.reportDrained()
	case *actor.Stopping:
		c.overdue.stop()
	default:
		c.unhandled(ctx)
	}
}

// HandleFailure restarts the reader after any failure, without limit. readers counts the
// failed attempts, from which its next delay follows.
func (c *commandsActor) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	f, _ := reason.(failure) // else it was a bug
	if c.readers.lost(child, f.err) {
		c.reportState(false)
	}
	s.RestartChildren(child)
}

// fetch asks the readers for as many commands as there is room for.
func (c *commandsActor) fetch() {
	if !c.draining {
		c.readers.fetch(c.acks.UnderWay().Room(c.Window, c.CommandMemory))
	}
}

// reached tells the others that Redis is there, and fetches commands.
func (c *commandsActor) reached(host int) {
	if c.readers.reached(host) {
		c.reportState(true)
	}
	c.fetch()
}

func (c *commandsActor) fetched(ctx actor.Context, m messages.Fetched) {
	if !m.Late {
		c.readers.hosts.Fetched(m.Host)
	}
	more, now := c.acks.Fetched(m.Received), time.Now()
	c.Stats.Commands.Add(int64(len(m.Received)))
	c.Stats.CommandsUnderWay.Add(int64(more.Commands))
	c.Stats.CommandBytes.Add(more.Bytes)
	for _, received := range m.Received {
		c.replies.Expect(received, now)
		if received.Fault != nil {
			c.invalid(received)
			continue
		}
		c.router.Tell(messages.Execute{Receipt: received.Receipt, Command: received.Command})
	}
	c.overdue.set(ctx, c.replies.Next())
	c.fetch()
}

// fired answers the subscribes that the broker has not answered in time.
func (c *commandsActor) fired(ctx actor.Context, m fired) {
	if c.overdue.fired(m) {
		for _, answer := range c.replies.Overdue(time.Now()) {
			c.router.Tell(answer)
		}
	}
	c.overdue.set(ctx, c.replies.Next())
}

// answer writes the answer to a command, if its sender wants one.
func (c *commandsActor) answer(m messages.Reply) {
	if answer := c.replies.Reply(m, time.Now()); answer != nil {
		c.router.Tell(*answer)
	}
}

// fault answers a command that did not take effect.
func (c *commandsActor) fault(receipt messages.Receipt, code, reason string) {
	c.answer(messages.Reply{Receipt: receipt, Failure: &messages.Failure{Code: code, Reason: reason}})
}

// invalid handles a message that is no valid command: it is counted, logged, and put into the
// dead letters.
func (c *commandsActor) invalid(m messages.Received) {
	c.Stats.BadCommands.Add(1)
	c.Log.Warn("invalid command: correct the code of the site that sent it; it is a dead letter now", "error", m.Fault)
	c.fault(m.Receipt, m.Code, m.Fault.Error())
	c.deadLetter(messages.DeadLetter{Receipt: m.Receipt, Reason: m.Fault.Error()})
}

func (c *commandsActor) deadLetter(l messages.DeadLetter) {
	if c.replies.DeadLetter(l) {
		c.acks.DeadLetter(l)
	}
	c.acknowledge()
}

func (c *commandsActor) finished(receipts []messages.Receipt) {
	now := time.Now()
	for _, receipt := range receipts {
		c.streams.done(receipt)
		answer, over := c.replies.Done(receipt, now)
		if answer != nil {
			c.router.Tell(*answer)
		}
		if over {
			c.acks.Done(receipt)
		}
	}
	c.acknowledge()
}

// answered finishes commands that only waited for their answers to be written.
func (c *commandsActor) answered(receipts []messages.Receipt) {
	for _, receipt := range receipts {
		switch over, letter := c.replies.Written(receipt); {
		case !over:
		case letter != nil:
			c.acks.DeadLetter(*letter)
		default:
			c.acks.Done(receipt)
		}
	}
	c.acknowledge()
}

// acknowledge acknowledges finished commands to Redis, in batches.
func (c *commandsActor) acknowledge() {
	switch c.acks.Next(c.draining) {
	case commands.AckNow:
		c.write()
	case commands.AckSoon:
		c.after(commands.AckWait, &ackDue{})
	default:
		c.reportDrained()
	}
}

// write starts to acknowledge, if there is something to acknowledge.
func (c *commandsActor) write() {
	round, ok := c.acks.Begin()
	if !ok {
		return
	}
	c.run("acknowledging commands", &acknowledged{env: c.env, Round: round})
}

func (c *commandsActor) acknowledged(m *acknowledged) {
	gone, failures := c.acks.Ended(m.Round, m.err != nil)
	c.Stats.CommandsUnderWay.Add(-int64(gone.Commands))
	c.Stats.CommandBytes.Add(-gone.Bytes)
	c.fetch()
	if failures == 0 {
		c.acknowledge()
		return
	}
	c.limited.warn(c.env, "acknowledging commands", m.err)
	c.retry(failures, &acknowledgeAgain{})
}

// reportDrained answers Drain when every command has taken effect and is acknowledged.
func (c *commandsActor) reportDrained() {
	if c.ended == c.readers.hosts.Len() && c.acks.Idle(c.streams.stay()) {
		c.bridge.Tell(messages.Drained{From: commandsName})
	}
}

func (c *commandsActor) reportState(up bool) {
	c.bridge.Tell(messages.LayerState{Up: up})
	c.store.Tell(messages.LayerState{Up: up})
	c.streams.layer(up)
}

func (c *commandsActor) info() any {
	load := c.acks.UnderWay()
	return messages.CommandsInfo{
		UnderWay: load.Commands, Bytes: load.Bytes, Window: c.Window, Unanswered: c.replies.Len(),
		LayerUp: c.readers.hosts.Up(), LayerReason: c.readers.hosts.Reason(),
	}
}
