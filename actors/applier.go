package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/routing"
	"chanmqttproxy/messages"
)

// applier changes the router's table, starts and stops subscriptions accordingly, and
// tells the other actors.
type applier struct {
	*deliveries
	commands Ref[messages.ToCommands]
	store    Ref[messages.ToStore]
}

// subscribe carries out a subscribe, or, where there are several slots, writes it into the
// store.
func (a *applier) subscribe(ctx actor.Context, receipt messages.Receipt, c messages.SubscribeCommand) {
	if a.spread != nil {
		a.spread.register(receipt, c)
		return
	}
	var e routing.Effects
	changes, refused, full := a.routes.Command(&e, receipt, c, time.Now())
	if refused != nil {
		a.logFull(full, refused)
		a.refuse(receipt, refused)
		return
	}
	a.apply(ctx, e, receipt, changes)
}

// unsubscribe does the opposite.
func (a *applier) unsubscribe(ctx actor.Context, receipt messages.Receipt, c messages.UnsubscribeCommand) {
	switch {
	case routing.Wanted(*a.rules.Load(), c):
		a.refuse(receipt, &messages.Failure{Code: messages.CodeDenied, Reason: "this subscription stands in the worker's configuration"})
	case a.spread != nil:
		a.spread.unregister(receipt, c.Filter, c.Targets)
	default:
		var e routing.Effects
		changes := a.routes.Unsubscribe(&e, c.Filter, c.Targets)
		a.apply(ctx, e, receipt, changes)
	}
}

// apply carries out the effects of a change of the table, and stores the changes.
func (a *applier) apply(ctx actor.Context, e routing.Effects, receipt messages.Receipt, changes []messages.Change) {
	for _, to := range e.Made {
		a.subscriptions.add(to)
	}
	for _, f := range e.Flush {
		a.flush(f.Route, f.Flush)
	}
	for _, to := range e.Gone {
		if a.spread != nil {
			a.spread.letGo(to)
		}
		a.subscriptions.remove(to)
	}
	for _, m := range e.Session {
		a.session.Tell(m)
	}
	for _, n := range e.Recipients {
		a.subscriptions.keep(n.Route, n.SendRetained)
		a.of(n.SendRetained.Target).Tell(n.SendRetained)
	}
	a.gate.Idle(e.Idle...)
	a.keep(receipt, changes)
	a.reply(e.Answers)
}

func (a *applier) reply(answers []messages.Reply) {
	for _, m := range answers {
		a.commands.Tell(m)
	}
}

// change makes a change of the table that is not stored, and carries out its effects.
func (a *applier) change(ctx actor.Context, do func(*routing.Effects)) {
	var e routing.Effects
	do(&e)
	a.apply(ctx, e, "", nil)
}

// keep stores the changes that a command made. The command is done afterwards.
func (a *applier) keep(receipt messages.Receipt, changes []messages.Change) {
	if len(changes) == 0 {
		if receipt != "" {
			a.done(receipt)
		}
		return
	}
	keep := messages.Keep{Receipt: receipt, Changes: changes}
	if a.spread != nil {
		keep.ChangeSeq = a.spread.leader.commands.ChangeSeq()
	}
	a.store.Tell(keep)
}

// refuse answers a command that does not take effect.
func (a *applier) refuse(receipt messages.Receipt, failure *messages.Failure) {
	a.commands.Tell(messages.Reply{Receipt: receipt, Failure: failure})
	a.done(receipt)
}

func (a *applier) done(receipt messages.Receipt) {
	a.commands.Tell(messages.Done{Receipts: []messages.Receipt{receipt}})
}

// logFull logs, once, that there are too many subscriptions.
func (d *env) logFull(first bool, refused *messages.Failure) {
	if first {
		d.Log.Warn("further subscriptions are refused", "reason", refused.Reason)
	}
}

// drop takes a target, at which nobody listens, out of filters that it has not asked for
// again in the meantime.
func (a *applier) drop(ctx actor.Context, m messages.Drop) {
	for _, filter := range m.Filters {
		if a.spread != nil {
			a.spread.drop(filter, m.Target)
			continue
		}
		var e routing.Effects
		changes := a.routes.Drop(&e, filter, m.Target, m.Asked)
		a.apply(ctx, e, "", changes)
	}
}

// filterAnswer is the broker's answer about a filter: Granted or Refused.
type filterAnswer interface {
	messages.ToSubscription
	messages.ToRequests
}

// answered notes the broker's answer about a filter, or passes it on.
func (a *applier) answered(ctx actor.Context, filter string, m filterAnswer, result routing.Result) {
	to, ok := a.routes.Wired(filter)
	if !ok {
		a.requests.Tell(m)
		return
	}
	a.subscriptions.answered(to, m) // first: it compares m with the answer before
	a.reply(to.Replies.Decide(result))
	if a.spread != nil {
		a.spread.report(ctx, to)
	}
}
