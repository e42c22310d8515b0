package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/actors/routing"
	"chanmqttproxy/messages"
)

// The router owns the table of routes (package routing): for each filter its subscription and
// its subscribers. It carries out commands, tells the session which filters are wanted, and
// sends each inbound message to the subscriptions that match. It starts and stops these.

type router struct {
	*env
	incarnation
	applier
	bridge Ref[messages.ToBridge]

	restoring bool // the stored subscriptions are not known yet
	several   bool // there are several session slots
	layout    messages.Layout
	early     []messages.Execute

	stopping bool // the bridge waits until nothing is under way here
	emptied  bool // the subscriptions were asked to pass on what they hold back
}

func newRouter(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		routes := routing.NewTable(routing.NewPairs(deps.Stats, deps.MaxSubscriptions))
		deliveries := &deliveries{env: deps, self: to.router, session: to.session, requests: to.requests, routes: routes, subscriptions: newSubscriptions(deps, to), targets: newTargetActors(deps, to)}
		applier := applier{deliveries: deliveries, commands: to.commands, store: to.store}
		return &router{env: deps, bridge: to.bridge, applier: applier, restoring: true, layout: deps.Layout}
	}, actor.WithSupervisor(resumeFirst{}))
}

// Receive is the router's table.
func (r *router) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		r.parent, r.subscriptions.router, r.subscriptions.incarnation = ctx, ctx, &r.incarnation
	case messages.Delivery:
		r.deliver(m)
	case messages.Deliver:
		r.answer(m)
	case messages.Idle, *checkSubscriptions:
		r.rest(m)
	case messages.Execute:
		r.execute(ctx, m)
	case messages.Restored:
		r.restored(ctx, m)
	case messages.LayoutChanged:
		r.layoutChanged(m.Layout)
	case messages.Reconfigured:
		r.reconfigured(ctx, m.Rules)
	case viewChanged, messages.Kept, messages.FilterGone, *leaveDue, *handOverDue, messages.HandedOver, messages.Undo,
		messages.Marked, messages.Unmarked, *markerDue:
		r.ofSlots(ctx, m)
	case messages.Drop:
		r.drop(ctx, m)
	case messages.Flushed:
		r.passedOn(m.Filter)
	case messages.Granted:
		r.answered(ctx, m.Filter, m, routing.Granted(m))
	case messages.Refused:
		r.answered(ctx, m.Filter, m, routing.Refused(m))
	case messages.Connected:
		r.reconnected(ctx)
	case messages.Desired:
		r.change(ctx, func(e *routing.Effects) { r.routes.WantResponses(e, m) })
	case messages.Interrupted:
		r.interrupted(m)
	case messages.RetainedComplete:
		r.complete(m)
	case messages.Serving, messages.Matching:
		r.respondTo(ctx, m)
	case messages.Drain:
		r.drain()
	case messages.Drained:
		r.targetDrained(m)
	case *actor.Stopping:
		r.subscriptions.clear(r.routes)
		r.routes.Pairs.Clear()
	default:
		r.unhandled(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (r *router) release(message any) {
	switch m := message.(type) {
	case messages.Delivery:
		giveBack(r.session, m.Token, m.Weight)
	case messages.Deliver:
		if m.Receipt != "" {
			r.commands.Tell(messages.ReplyWritten{Receipts: []messages.Receipt{m.Receipt}})
		}
	case messages.Execute:
		failCommand(r.commands, m.Receipt)
	case messages.Flushed:
		r.gate.Lost()
	}
}

// execute carries out a command. Before the subscriptions are restored, commands wait.
func (r *router) execute(ctx actor.Context, m messages.Execute) {
	if r.restoring {
		r.early = append(r.early, m)
		return
	}
	if failure := r.denied(m.Command); failure != nil {
		r.Stats.Denied.Add(1)
		r.Log.Warn("a command was not allowed", "error", failure.Reason)
		r.refuse(m.Receipt, failure)
		return
	}
	if r.forStreams(m.Command) {
		r.commands.Tell(messages.ForStreams(m))
		return
	}
	switch c := m.Command.(type) {
	case messages.SubscribeCommand:
		r.subscribe(ctx, m.Receipt, c)
	case messages.UnsubscribeCommand:
		r.unsubscribe(ctx, m.Receipt, c)
	case messages.PublishCommand:
		r.session.Tell(messages.Publish{Receipt: m.Receipt, Message: c.Message})
	case messages.RequestCommand:
		r.requests.Tell(messages.Request{Receipt: m.Receipt, Message: c.Message, Timeout: c.Timeout})
	case messages.StatusCommand:
		r.session.Tell(messages.Status{Receipt: m.Receipt})
	}
}

// forStreams says whether a command is for the slot of the streams, and this slot is another.
func (r *router) forStreams(command messages.Command) bool {
	var targets []messages.Target
	switch c := command.(type) {
	case messages.SubscribeCommand:
		targets = c.Targets
	case messages.UnsubscribeCommand:
		targets = c.Targets
	}
	return r.Slot != messages.StreamSlot && len(targets) > 0 && targets[0].Kind == messages.Stream
}

// restored takes in the stored subscriptions that the configuration still allows, and starts the
// session and the commands.
func (r *router) restored(ctx actor.Context, m messages.Restored) {
	if m.Several {
		r.several = true
		r.startSpread(ctx)
		return
	}
	var e routing.Effects
	changes, leaving := r.routes.Restore(&e, m.Stored, *r.rules.Load(), r.deniesFilter, time.Now())
	r.apply(ctx, e, "", changes)
	r.session.Tell(messages.StartSession{Leaving: append(m.Leaving, leaving...), Refusals: m.Refusals})
	r.startCommands(ctx)
}

// deniesFilter says whether commands must not subscribe to a filter.
func (r *router) deniesFilter(filter string) bool { return r.deniedFilter(filter) != nil }

// startCommands carries out the commands that have come before the subscriptions were known.
func (r *router) startCommands(ctx actor.Context) {
	r.restoring = false
	r.health.restored.Store(true)
	early := r.early
	r.early = nil
	for _, e := range early {
		if r.protect("carrying out a command", func() error { r.execute(ctx, e); return nil }) != nil {
			failCommand(r.commands, e.Receipt)
		}
	}
}

// reconfigured replaces the rules.
func (r *router) reconfigured(ctx actor.Context, rules messages.Rules) {
	before := r.rules.Swap(&rules)
	if r.restoring {
		return
	}
	if r.spread != nil {
		if r.Slot == 0 {
			r.keep("", r.spread.configuredNow(*before))
		}
		return
	}
	var e routing.Effects
	changes := r.routes.Reconfigure(&e, rules, *before, r.deniesFilter, time.Now())
	r.apply(ctx, e, "", changes)
}

// ofSlots handles messages that matter with several session slots only.
func (r *router) ofSlots(ctx actor.Context, message any) {
	if r.spread != nil {
		r.spread.receive(ctx, message)
	} else if r.several {
		r.startSpread(ctx)
	}
}

// passedOn continues when a subscription has passed on everything that it had.
func (r *router) passedOn(filter string) {
	if r.spread != nil {
		r.spread.handOver(filter)
	}
	r.flushed()
	r.reportDrained()
}

// reconnected handles a new connection.
func (r *router) reconnected(ctx actor.Context) {
	r.change(ctx, func(e *routing.Effects) { r.routes.Reconnected(e, *r.rules.Load(), time.Now()) })
	if r.spread != nil {
		r.spread.markersConnected()
		r.spread.carryOut(ctx, r.spread.Connected)
	}
}

// layoutChanged notes over how many slots the filters are spread.
func (r *router) layoutChanged(layout messages.Layout) {
	if r.layout = layout; r.spread != nil && r.Slot == 0 {
		r.spread.leader.layout = layout
		r.spread.lead(placement.Changed{})
	}
}

// startSpread starts the part for several slots, and with it the session, as soon as the mirror
// has loaded the registry: messages that came before would have no target.
func (r *router) startSpread(ctx actor.Context) {
	loaded := false
	r.mirror.read(func(v *placement.View) { loaded = v.Loaded() })
	if loaded {
		r.spread = newSpread(r.env, spreadRefs{r.commands, r.session}, r.routes, &r.applier, &r.incarnation)
		r.spread.leader.layout = r.layout
		r.spread.start(ctx)
		r.startCommands(ctx)
	}
}

// drain makes the router answer Drained when nothing is under way in it.
func (r *router) drain() {
	r.stopping = true
	r.reportDrained()
}

// reportDrained answers Drain when nothing is held, here or in a subscription, and nothing waits
// to be written.
func (r *router) reportDrained() {
	switch {
	case !r.stopping || !r.gate.Open():
	case r.emptied:
		if r.drainTargets(); r.allDrained() {
			r.bridge.Tell(messages.Drained{From: routerName})
		}
	default:
		r.emptied = true
		for to := range r.subscriptions.living {
			r.flush(to, messages.Flush{All: true})
		}
		r.reportDrained()
	}
}

// targetDrained notes that a target has nothing that waits to be written.
func (r *router) targetDrained(m messages.Drained) {
	r.drained[m.From] = true
	r.reportDrained()
}

// rest finds the actors of subscriptions and targets that have nothing left, and stops them.
func (r *router) rest(message any) {
	switch m := message.(type) {
	case *checkSubscriptions:
		r.subscriptions.check()
	case messages.Idle:
		if to, ok := r.routes.Get(m.Filter); ok {
			r.subscriptions.stopIdle(to, m.Number)
		}
		r.gone(m)
		r.reportDrained()
	}
}

func (r *router) info() any {
	filters, targets := r.routes.Len()
	return messages.RouterInfo{Filters: filters, Targets: targets, Held: r.gate.Len(), Restored: !r.restoring}
}
