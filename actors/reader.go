package actors

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// The reader keeps the commands that were taken from the layer and have not
// taken effect yet: at most Window of them, and no further ones while they take
// CommandMemory. It supervises the receivers, one for each host of the layer, which wait for
// more, and acknowledges to Redis what is done.
//
// It outlives the loss of Redis: what is under way goes on, and what was done
// meanwhile is acknowledged when Redis is back.

// acknowledged is one round of Layer.Acknowledge and Layer.Bury; as its outcome, what is
// left to be done and why.
type acknowledged struct {
	task
	receipts []messages.Receipt
	burials  []messages.Burial
	settled  load // of the round
}

// acknowledgeAgain comes when the delay after a failed acknowledgement is over.
type acknowledgeAgain struct{ stamp }

// A busy reader tells Redis of many commands at once: what is done waits for others of
// a run, if there are any under way, but no longer than ackWait.
const (
	ackRun  = 128
	ackWait = 5 * time.Millisecond
)

// ackDue comes when that time is over.
type ackDue struct{ stamp }

// overdue comes when the sender of a subscribe has waited long enough.
type overdue struct {
	stamp
	receipt messages.Receipt
}

type reader struct {
	*env
	incarnation
	bridge   Ref[messages.ToBridge]
	router   Ref[messages.ToRouter]
	registry Ref[messages.ToRegistry]
	to       *refs // for the receivers

	receivers []*actor.PID // one for each of hosts
	hosts     hosts
	underWay  load
	quiescing bool
	ended     int // receivers that have stopped

	replies       replies
	streams       streamCommands
	done          []messages.Receipt
	burials       []messages.Burial
	acknowledging bool
	gathering     bool // acknowledges in a moment
	refused       int  // acknowledgements in a row that failed
	complaint     complaint
}

func newReader(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &reader{
			env: deps, bridge: to.bridge, router: to.router, registry: to.registry, to: to,
			replies: newReplies(deps, to), streams: newStreamCommands(deps), hosts: newHosts(deps.Layer.Hosts()),
		}
	})
}

// Receive is the reader's table.
func (r *reader) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		r.spawnReceivers(ctx)
	case messages.ReceiverStarted:
		r.toReceiver(m.Host, messages.OpenReader{Attempt: r.hosts.list[m.Host].attempts})
	case messages.LayerReached:
		r.reached(m.Host)
	case messages.Took:
		r.took(m)
	case messages.Answer:
		r.replies.answer(m)
	case messages.Answered:
		r.answered(m.Receipts)
	case *overdue:
		r.replies.overdue(m.receipt)
	case messages.Done:
		r.finished(m.Receipts)
	case messages.ForStreams:
		r.streams.add(messages.Execute(m))
	case messages.StreamsState:
		r.streams.state(m.Up, r.hosts.known && r.hosts.up)
		r.tellQuiet()
	case *acknowledged:
		r.acknowledged(m)
	case *acknowledgeAgain:
		r.acknowledging = false
		r.acknowledge()
	case *ackDue:
		r.gathering = false
		r.tell()
	case messages.Undeliverable:
		r.fault(m.Receipt, messages.CodeRefused, m.Reason)
		r.bury(messages.Burial(m))
	case messages.Quiesce:
		r.quiescing = true
		for _, receiver := range r.receivers {
			ctx.Stop(receiver)
		}
	case *actor.Terminated: // nothing more comes from it
		r.ended++
		r.tellQuiet()
	default:
		r.strange(ctx)
	}
}

// HandleFailure restarts the receiver, whatever it died of, as often as it
// takes. What it waits before its next attempt is counted here.
func (r *reader) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	f, _ := reason.(failure) // else it was a bug
	host := slices.IndexFunc(r.receivers, child.Equal)
	r.layerLost(host, r.hosts.lost(host, f.err, time.Now()), f.err)
	s.RestartChildren(child)
}

// spawnReceivers makes a receiver for each host. The first has the name that it has where it
// is the only one.
func (r *reader) spawnReceivers(ctx actor.Context) {
	for i := range r.hosts.list {
		name := "receiver"
		if i > 0 {
			name += ":" + strconv.Itoa(i)
		}
		r.receivers = append(r.receivers, spawn(ctx, name, newReceiver(r.env, r.to, i)))
	}
}

// take asks the receivers for as much as the window has room for.
func (r *reader) take() {
	if r.quiescing {
		return
	}
	for i, limit := range r.hosts.ask(r.underWay.room(r.Window, r.CommandMemory), r.Window) {
		if limit > 0 {
			r.toReceiver(i, messages.Take{Limit: limit})
		}
	}
}

func (r *reader) toReceiver(host int, m messages.ToReceiver) {
	refOf[messages.ToReceiver](r.system, r.receivers[host]).Tell(m)
}

func (r *reader) took(m messages.Took) {
	if !m.Late {
		r.hosts.took(m.Host)
	}
	before := r.underWay
	for _, received := range m.Received {
		r.underWay.add(received.Receipt)
	}
	r.count(r.underWay.less(before))
	r.Stats.Commands.Add(int64(len(m.Received)))
	for _, received := range m.Received {
		r.replies.expect(received, &r.incarnation)
		if received.Fault != nil {
			r.misunderstood(received)
			continue
		}
		r.router.Tell(messages.Execute{Receipt: received.Receipt, Command: received.Command})
	}
	r.take()
}

// count counts that there are more commands under way.
func (r *reader) count(more load) {
	r.Stats.CommandsUnderWay.Add(int64(more.commands))
	r.Stats.CommandBytes.Add(more.bytes)
}

// fault tells the sender of a command why it did not take effect.
func (r *reader) fault(receipt messages.Receipt, code, reason string) {
	r.replies.answer(messages.Answer{Receipt: receipt, Failure: &messages.Failure{Code: code, Reason: reason}})
}

// misunderstood gets rid of a message that is no command: said once, counted,
// and kept among the dead letters.
func (r *reader) misunderstood(m messages.Received) {
	r.Stats.BadCommands.Add(1)
	r.Log.Warn("a message on the command channel was not understood: correct its sender; it is among the dead letters", "error", m.Fault)
	r.fault(m.Receipt, m.Code, m.Fault.Error())
	r.bury(messages.Burial{Receipt: m.Receipt, Reason: m.Fault.Error()})
}

func (r *reader) bury(b messages.Burial) {
	if r.replies.bury(b) {
		r.burials = append(r.burials, b)
	}
	r.acknowledge()
}

func (r *reader) finished(receipts []messages.Receipt) {
	for _, receipt := range receipts {
		r.streams.done(receipt)
		if r.replies.done(receipt) {
			r.done = append(r.done, receipt)
		}
	}
	r.acknowledge()
}

// answered lets those commands go that waited for their answers to be written.
func (r *reader) answered(receipts []messages.Receipt) {
	for _, receipt := range receipts {
		switch over, burial := r.replies.written(receipt); {
		case !over:
		case burial != nil:
			r.burials = append(r.burials, *burial)
		default:
			r.done = append(r.done, receipt)
		}
	}
	r.acknowledge()
}

// acknowledge has Redis told of what is done, when there is a run of it, or nothing else
// under way, or somebody waits for it, or else in a moment.
func (r *reader) acknowledge() {
	switch n := r.unsettled(); {
	case r.acknowledging || n == 0:
		r.tellQuiet()
	case n >= min(ackRun, r.underWay.commands) || r.quiescing:
		r.tell()
	case !r.gathering:
		r.gathering = true
		r.after(ackWait, &ackDue{})
	}
}

// tell writes one acknowledgement at a time; what is done meanwhile goes with the next.
func (r *reader) tell() {
	if r.acknowledging || r.unsettled() == 0 {
		return
	}
	r.acknowledging = true
	m := &acknowledged{receipts: r.done, burials: r.burials}
	m.work = func(ctx context.Context) error { return r.settle(ctx, m) }
	r.done, r.burials = nil, nil
	r.run("telling Redis what is done", m)
}

// unsettled is of how many commands Redis has to be told.
func (r *reader) unsettled() int { return len(r.done) + len(r.burials) }

// settle tells the layer, leaves what is still to be told, and returns why. One part
// does not depend on the others.
func (r *reader) settle(ctx context.Context, m *acknowledged) error {
	before := m.load()
	var ack, bury error
	if len(m.receipts) > 0 {
		ack = r.protect("acknowledging commands", func() error { return r.Layer.Acknowledge(ctx, m.receipts) })
	}
	if len(m.burials) > 0 {
		bury = r.protect("burying commands", func() error { return r.Layer.Bury(ctx, m.burials) })
	}
	if ack == nil {
		m.receipts = nil
	}
	if bury == nil {
		m.burials = nil
	}
	m.settled = before.less(m.load())
	return errors.Join(ack, bury)
}

// load is that of the commands that a round is about.
func (m *acknowledged) load() (l load) {
	for _, r := range m.receipts {
		l.add(r)
	}
	for _, b := range m.burials {
		l.add(b.Receipt)
	}
	return l
}

func (r *reader) acknowledged(m *acknowledged) {
	r.underWay = r.underWay.less(m.settled)
	r.count(load{}.less(m.settled))
	r.take()
	if m.err == nil {
		r.acknowledging, r.refused = false, 0
		r.acknowledge()
		return
	}
	r.complaint.say(r.env, "telling Redis what is done", m.err)
	r.done = append(m.receipts, r.done...)
	r.burials = append(m.burials, r.burials...)
	r.refused++
	r.retry(r.refused, &acknowledgeAgain{})
}

// tellQuiet answers Quiesce when every command has taken effect and Redis has
// been told.
func (r *reader) tellQuiet() {
	if r.ended == len(r.receivers) && r.underWay.commands == r.streams.stay() && r.unsettled() == 0 && !r.acknowledging {
		r.bridge.Tell(messages.Quiet{From: readerName})
	}
}

// layerLost says what there is to say when a host could not be reached.
func (r *reader) layerLost(host int, change hostChange, err error) {
	if change == noChange {
		return
	}
	trouble := r.hosts.list[host].trouble
	r.observer.note(r.receivers[host].GetId(), "lost", "no commands can be read: "+trouble)
	switch {
	case change == oneHostAway:
		r.Log.Warn("cannot read commands from one of the layer's hosts: trying again, others go on",
			"host", r.hosts.list[host].name, "error", err)
		return
	case trouble == noAnswer:
		r.Log.Warn("Redis is away; trying again until it is back", "error", err)
	default:
		r.Log.Warn("Redis is there, but no commands can be read; trying again", "error", err)
	}
	r.Stats.LayerLosses.Add(1)
	r.tellState(false)
}

// reached says what there is to say when a host is there, and asks for commands.
func (r *reader) reached(host int) {
	switch r.hosts.reached(host, time.Now()) {
	case layerUp:
		r.Log.Info("reading commands from Redis")
		r.tellState(true)
	case oneHostBack:
		r.Log.Info("reading commands again from a host of the layer", "host", r.hosts.list[host].name)
	}
	r.take()
}

func (r *reader) tellState(up bool) {
	r.bridge.Tell(messages.LayerState{Up: up})
	r.registry.Tell(messages.LayerState{Up: up})
	r.streams.layer(up)
}

func (r *reader) facts() any {
	return messages.ReaderFacts{
		UnderWay: r.underWay.commands, Bytes: r.underWay.bytes, Window: r.Window, Unanswered: len(r.replies.open),
		LayerUp: r.hosts.known && r.hosts.up, Trouble: r.hosts.trouble(),
	}
}
