package actors

import (
	"slices"
	"strings"
	"unique"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// The router owns the trie: for each filter its subscription and whom it
// serves. It carries out commands, tells the broker actor what is wanted, and
// sends each inbound message to the subscriptions that match, so that every
// target gets it once: by the filter in which its membership is the oldest.
//
// When a target leaves a filter its messages may take another way from then on.
// What comes is held until the subscription has passed on what it had; without
// that, a message could overtake an earlier one.

type router struct {
	*env
	incarnation
	bridge   Ref[messages.ToBridge]
	reader   Ref[messages.ToReader]
	registry Ref[messages.ToRegistry]
	groups   Ref[messages.ToGroups]
	routes
	pairs         pairs
	subscriptions *family
	targets       map[messages.Target]int // in how many filters each is
	serial        uint64
	seen          uint64 // Seq of the last delivery

	restoring bool // the subscriptions of before are not known yet
	several   bool // there are several session slots
	layout    messages.Layout
	early     []messages.Execute

	flushing  int // Flushes to be answered before deliveries go on
	retiring  []messages.Target
	held      []messages.Delivery
	quiescing bool
	emptied   bool // the subscriptions were asked for what they hold back

	connected bool // there has been a connection
}

func newRouter(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &router{
			env: deps, bridge: to.bridge, reader: to.reader, registry: to.registry, groups: to.groups,
			routes: routes{deps: deps, broker: to.broker, requests: to.requests}, pairs: pairs{env: deps}, subscriptions: newSubscriptions(deps, to),
			targets: map[messages.Target]int{}, restoring: true, layout: deps.Layout,
		}
	}, actor.WithSupervisor(resumeFirst{}))
}

// Receive is the router's table.
func (r *router) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Delivery:
		r.deliver(m)
	case messages.Execute:
		r.execute(ctx, m)
	case messages.Restored:
		r.restored(ctx, m)
	case messages.Relaid:
		if r.layout = m.Layout; r.spread != nil && r.Slot == 0 {
			r.spread.leader.layout = m.Layout
			r.spread.lead(placement.Changed{})
		}
	case messages.Reconfigured:
		r.reconfigured(ctx, m.Rules)
	case viewChanged, messages.Kept, messages.FilterGone, *leaveDue, *endDue, messages.HandedOver, messages.Undo:
		if r.spread != nil {
			r.spread.receive(ctx, m)
		} else if r.several {
			r.beginSpread(ctx)
		}
	case messages.Drop:
		r.drop(ctx, m)
	case messages.Flushed:
		if r.spread != nil {
			r.spread.handOver(m.Filter)
		}
		r.flushed()
	case messages.Granted:
		r.granted(ctx, m)
	case messages.Refused:
		r.refused(ctx, m)
	case messages.Connected:
		r.reconnected(ctx)
	case messages.Want:
		r.wantResponses(m)
	case messages.Interrupted:
		if to, ok := r.trie.Get(topic.Unshared(m.Filter)); ok {
			to.subscription.Tell(m)
		}
	case messages.Welcomed:
		r.welcomed(m)
	case messages.Serving:
		ctx.Respond(serving(&r.routes.trie, m.Filters))
	case messages.Matching:
		ctx.Respond(matching(&r.routes.trie, m.Topic))
	case messages.Quiesce:
		r.quiescing = true
		r.tellQuiet()
	case *actor.Stopping:
		r.pairs.add(-r.pairs.own)
	default:
		r.strange(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (r *router) release(message any) {
	switch m := message.(type) {
	case messages.Delivery:
		giveBack(r.broker, m.Token, m.Weight)
	case messages.Execute:
		failCommand(r.reader, m.Receipt)
	case messages.Flushed:
		r.flushing = max(0, r.flushing-1)
	}
}

// execute carries a command out. Commands that come before the subscriptions
// are restored wait for that.
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
		r.reader.Tell(messages.ForStreams(m))
		return
	}
	switch c := m.Command.(type) {
	case messages.SubscribeCommand:
		r.executeSubscribe(ctx, m.Receipt, c)
	case messages.UnsubscribeCommand:
		r.executeUnsubscribe(ctx, m.Receipt, c)
	case messages.PublishCommand:
		r.broker.Tell(messages.Publish{Receipt: m.Receipt, Message: c.Message})
	case messages.RequestCommand:
		r.requests.Tell(messages.Request{Receipt: m.Receipt, Message: c.Message, Timeout: c.Timeout})
	case messages.StatusCommand:
		r.broker.Tell(messages.Status{Receipt: m.Receipt})
	}
}

// executeSubscribe subscribes, or, where there are several slots, has that written into the
// registry.
func (r *router) executeSubscribe(ctx actor.Context, receipt messages.Receipt, c messages.SubscribeCommand) {
	if r.spread != nil {
		r.spread.register(receipt, c)
		return
	}
	to, ok := r.trie.Get(c.Filter)
	more := len(c.Targets)
	if ok {
		more = len(c.Targets) - len(to.still(membersOf(c.Targets)))
	}
	all := int(r.Stats.Pairs.Load())
	switch {
	case ok && to.shared() != c.Options.Shared:
		r.refuse(receipt, sharedOrNot(c.Filter))
		return
	case r.pairs.full(more, all):
		r.refuse(receipt, &messages.Failure{Code: messages.CodeRefused, Reason: r.pairs.reason(all)})
		return
	}
	changes := r.subscribe(ctx, c)
	if len(changes) == 0 {
		changes = r.known(c)
	}
	r.keep(receipt, changes)
	r.await(receipt, c)
	to, _ = r.trie.Get(c.Filter)
	for _, target := range c.Targets {
		to.ask(target)
	}
}

// sharedOrNot is why a filter cannot be shared and not shared.
func sharedOrNot(filter string) *messages.Failure {
	return &messages.Failure{Code: messages.CodeRefused, Reason: filter +
		" is subscribed to already: it can be shared by all who ask for it, or by none; have it unsubscribed first"}
}

// forStreams says whether a command is for the slot of the streams, and this is another.
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

// known are the changes that store again what a site subscribes to as it has done
// before: Redis may have lost it.
func (r *router) known(c messages.SubscribeCommand) (changes []messages.Change) {
	to, ok := r.trie.Get(c.Filter)
	for _, target := range c.Targets {
		if ok && to.has(target) && !to.isFixed(target) {
			changes = append(changes, messages.Change{Put: r.stored(to, target, c.Options)})
		}
	}
	return changes
}

func (r *router) executeUnsubscribe(ctx actor.Context, receipt messages.Receipt, c messages.UnsubscribeCommand) {
	switch {
	case r.configured(c):
		r.refuse(receipt, &messages.Failure{Code: messages.CodeDenied, Reason: "this subscription stands in the worker's configuration"})
	case r.spread != nil:
		r.spread.unregister(receipt, c.Filter, c.Targets)
	default:
		r.keep(receipt, r.unsubscribe(ctx, c.Filter, c.Targets))
	}
}

// configured says whether the configuration wants what is to be unsubscribed.
func (r *router) configured(c messages.UnsubscribeCommand) bool {
	return slices.ContainsFunc(r.rules.Load().Static, func(s messages.SubscribeCommand) bool {
		return s.Filter == c.Filter && slices.ContainsFunc(c.Targets, func(t messages.Target) bool { return slices.Contains(s.Targets, t) })
	})
}

// keep has the changes that a command made stored, after which it is done.
func (r *router) keep(receipt messages.Receipt, changes []messages.Change) {
	if len(changes) == 0 {
		if receipt != "" {
			r.done(receipt)
		}
		return
	}
	keep := messages.Keep{Receipt: receipt, Changes: changes}
	if r.spread != nil {
		keep.Serial = r.spread.leader.commands.Serial()
	}
	r.registry.Tell(keep)
}

// await answers a subscribe when the broker has said what it grants. A filter
// that it has refused is asked for again.
func (r *router) await(receipt messages.Receipt, c messages.SubscribeCommand) {
	to, _ := r.trie.Get(c.Filter)
	if to.senders.refused(to.want.Serial) {
		r.ask(to, to.want, false)
	}
	if c.Reply.Channel == "" {
		return
	}
	to.senders.add(r.reader, sender{receipt: receipt, qos: c.Options.QoS, serial: to.want.Serial})
}

// refuse tells the sender of a command why it does not take effect.
func (r *router) refuse(receipt messages.Receipt, failure *messages.Failure) {
	r.reader.Tell(messages.Answer{Receipt: receipt, Failure: failure})
	r.done(receipt)
}

func (r *router) done(receipt messages.Receipt) {
	r.reader.Tell(messages.Done{Receipts: []messages.Receipt{receipt}})
}

// restored takes the subscriptions of before over, those that the configuration
// still allows, and lets the broker and the commands come.
func (r *router) restored(ctx actor.Context, m messages.Restored) {
	if m.Several {
		r.several = true
		r.beginSpread(ctx)
		return
	}
	var changes []messages.Change
	var ending []messages.Stored // there were several slots
	for _, s := range m.Stored {
		if s.Ending {
			ending = append(ending, s)
			continue
		}
		if r.deniedFilter(s.Filter) != nil {
			m.Leaving = append(m.Leaving, placement.Wire(s.Filter, s.Options))
			changes = append(changes, messages.Change{Remove: &s}, messages.Change{Leaving: placement.Wire(s.Filter, s.Options)})
			continue
		}
		r.subscribe(ctx, messages.SubscribeCommand{Filter: s.Filter, Targets: []messages.Target{s.Target}, Options: s.Options})
		to, _ := r.trie.Get(s.Filter)
		to.ask(s.Target)
	}
	changes = append(changes, r.subscribeStatic(ctx, messages.Rules{})...)
	for _, s := range ending {
		changes = append(changes, messages.Change{Remove: &s})
		if wire := placement.Wire(s.Filter, s.Options); !r.has(s.Filter) {
			m.Leaving = append(m.Leaving, wire)
			changes = append(changes, messages.Change{Leaving: wire})
		}
	}
	r.keep("", changes)
	r.broker.Tell(messages.Begin{Leaving: m.Leaving, Refused: m.Refused})
	r.begin(ctx)
}

// beginSpread begins where there are several slots, as soon as it is known what is whose: a
// session that was resumed before would hand out what nobody here seems to want.
func (r *router) beginSpread(ctx actor.Context) {
	loaded := false
	r.mirror.look(func(v *placement.View) { loaded = v.Loaded() })
	if loaded {
		r.spread = newSpread(r.env, spreadRefs{r.groups, r.reader}, &r.routes, &r.pairs, r)
		r.spread.leader.layout = r.layout
		r.spread.begin(ctx)
		r.begin(ctx)
	}
}

// begin carries out what has come before the subscriptions were known.
func (r *router) begin(ctx actor.Context) {
	r.restoring = false
	r.health.restored.Store(true)
	early := r.early
	r.early = nil
	for _, e := range early {
		if r.protect("carrying out a command", func() error { r.execute(ctx, e); return nil }) != nil {
			failCommand(r.reader, e.Receipt)
		}
	}
}

// subscribeStatic subscribes to what the configuration wants, and returns what is to be
// stored of that. Who got retained values by the rules
// of before does not get them again.
func (r *router) subscribeStatic(ctx actor.Context, before messages.Rules) (changes []messages.Change) {
	for _, s := range r.rules.Load().Static {
		if to, ok := r.trie.Get(s.Filter); !ok || !to.serves(s) || s.Replay && !before.Replays(s) {
			r.subscribe(ctx, s)
		}
		to, _ := r.trie.Get(s.Filter)
		for _, target := range s.Targets {
			to.fix(target)
		}
		// The configuration of the next start may not have it.
		changes = append(changes, messages.Change{Leaving: to.wire})
	}
	return changes
}

// reconfigured takes other rules in: what they do not allow any more is given up, as at
// a start, and so is what the configuration alone has wanted.
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
	r.trie.Each(func(to *route) { to.free() })
	changes := r.subscribeStatic(ctx, *before)
	gone := map[string][]messages.Target{}
	r.trie.Each(func(to *route) {
		if left := to.unwanted(r.deniedFilter(to.filter) != nil); len(left) > 0 {
			gone[to.filter] = left
		}
	})
	for filter, left := range gone {
		changes = append(changes, r.unsubscribe(ctx, filter, left)...)
	}
	r.keep("", changes)
}

// reconnected asks for the retained values once more that the configuration
// wants: some may have changed meanwhile, and what is published with QoS 0 is
// kept for nobody.
func (r *router) reconnected(ctx actor.Context) {
	for _, s := range r.rules.Load().Static {
		if to, ok := r.trie.Get(s.Filter); ok && r.connected && s.Replay && !to.unasked && to.has(s.Targets[0]) {
			r.subscribe(ctx, s)
		}
	}
	r.connected = true
	if r.spread != nil {
		r.spread.carryOut(ctx, r.spread.Connected)
	}
}

// subscribe adds the targets to a filter and returns what that changes.
func (r *router) subscribe(ctx actor.Context, c messages.SubscribeCommand) (changes []messages.Change) {
	to, ok := r.trie.Get(c.Filter)
	if !ok {
		filter := strings.Clone(c.Filter) // without the whole command
		to = r.add(ctx, filter, placement.Wire(filter, c.Options))
	}
	served := to.served(c.Options)
	for _, target := range c.Targets {
		target.Name = unique.Make(target.Name).Value()
		if to.has(target) {
			served = false // its old options may have been the reason for what is wanted
		} else {
			r.targets[target]++
			r.pairs.add(1)
		}
		r.serial++
		if to.join(target, c.Options, r.serial) {
			changes = append(changes, messages.Change{Put: r.stored(to, target, c.Options)})
		}
	}
	if len(changes) > 0 && to.static { // what is stored may go again, and the mark goes with it
		changes = append(changes, messages.Change{Leaving: to.wire})
	}
	switch {
	case c.Replay:
		r.want(to, true)
		r.welcome(to, c)
	case len(changes) > 0 && !served:
		r.want(to, false)
	}
	return changes
}

// welcome has the retained values that were asked for find their way.
func (r *router) welcome(to *route, c messages.SubscribeCommand) {
	for _, n := range newcomersOf(c) {
		m := messages.Welcome{Target: n.Target, Channel: n.Channel, Filter: c.Filter, Options: c.Options, Serial: to.want.Serial, After: r.seen}
		to.welcome(n.Target, m.Serial)
		to.subscription.Tell(m)
		r.groups.Tell(m)
	}
}

// newcomersOf are the newcomers of a subscribe: they get the retained values.
func newcomersOf(c messages.SubscribeCommand) (list []messages.Newcomer) {
	if !c.Replay {
		return nil
	}
	for i, target := range c.Targets {
		n := messages.Newcomer{Filter: c.Filter, Target: target}
		switch {
		case c.Newcomer == "" || target.Kind == messages.Channel:
		case i == 0:
			n.Channel = c.Newcomer
		default:
			continue // the newcomer is one of the first target's
		}
		list = append(list, n)
	}
	return list
}

func (r *router) welcomed(m messages.Welcomed) {
	if to, ok := r.trie.Get(m.Filter); ok && to.welcoming[m.Target] <= m.Serial {
		delete(to.welcoming, m.Target)
	}
}

func (r *router) add(ctx actor.Context, filter, wire string) *route {
	r.serial++
	pid := r.subscriptions.spawn(ctx, "subscription", filter, r.serial)
	to := &route{
		filter: filter, wire: wire, identifier: topic.Identifier(wire),
		subscription: refOf[messages.ToSubscription](r.system, pid),
		want:         messages.Want{Overlaps: r.overlaps(filter)},
		unasked:      r.spread != nil && r.spread.unasked,
	}
	r.trie.Set(filter, to)
	return to
}

// want tells the broker actor what a filter's members need, if that changed, or
// if they need the retained values.
func (r *router) want(to *route, replay bool) {
	if to.unasked {
		return
	}
	want := to.wants()
	want.Serial, want.Replay, want.Overlaps = to.want.Serial, to.want.Replay, to.want.Overlaps
	if want != to.want || replay {
		r.ask(to, want, replay)
	}
}

// ask asks the broker for a filter, if need be once more.
func (r *router) ask(to *route, want messages.Want, replay bool) {
	r.serial++
	want.Serial = r.serial
	if replay {
		want.Replay = r.serial
	}
	to.want = want
	r.broker.Tell(want)
}

// wantResponses asks for the filter of the responses to requests.
func (r *router) wantResponses(want messages.Want) {
	r.responses = messages.Want{} // it does not overlap itself
	want.Overlaps = r.overlaps(want.Filter)
	r.responses = want
	r.broker.Tell(want)
}

// unsubscribe takes the targets away from a filter and returns what that
// changes.
func (r *router) unsubscribe(ctx actor.Context, filter string, targets []messages.Target) (changes []messages.Change) {
	to, ok := r.trie.Get(filter)
	if !ok {
		return nil
	}
	var left []messages.Target
	for _, target := range targets {
		if m, member := to.members.Get(target); member {
			r.leave(to, target)
			left = append(left, target)
			changes = append(changes, messages.Change{Remove: &messages.Stored{Filter: filter, Target: target, Options: m.options}})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	r.flush(to, left...)
	if to.members.Len() > 0 {
		r.want(to, false)
		return changes
	}
	r.trie.Delete(filter)
	r.letGo(to)
	to.senders.decide(r.reader, unsubscribed)
	r.broker.Tell(messages.Unwant{Filter: to.wire})
	ctx.Poison(to.subscription.pid)
	return append(changes, messages.Change{Leaving: to.wire})
}

// flush has a subscription pass on what it has, before anything else comes.
func (r *router) flush(to *route, left ...messages.Target) {
	r.flushing++
	to.subscription.Tell(messages.Flush{Left: left})
}

func (r *router) leave(to *route, target messages.Target) {
	to.leave(target)
	r.pairs.add(-1)
	if r.targets[target]--; r.targets[target] == 0 {
		delete(r.targets, target)
		r.retiring = append(r.retiring, target)
	}
}

// drop takes a target that nobody listens at out of filters, but not out of
// those that it has just asked for again.
func (r *router) drop(ctx actor.Context, m messages.Drop) {
	for _, filter := range m.Filters {
		if r.spread != nil {
			r.spread.unregister("", filter, []messages.Target{m.Target})
			continue
		}
		to, ok := r.trie.Get(filter)
		if !ok {
			continue
		}
		if member, _ := to.members.Get(m.Target); member.asked.After(m.Asked) {
			continue
		}
		if to.isFixed(m.Target) {
			to.unask(m.Target)
			r.registry.Tell(messages.Keep{Changes: []messages.Change{{Remove: &messages.Stored{Filter: filter, Target: m.Target}}}})
			continue
		}
		r.registry.Tell(messages.Keep{Changes: r.unsubscribe(ctx, filter, []messages.Target{m.Target})})
	}
}

// flushed lets the held deliveries go once the last Flush is answered. Nothing
// is under way any more to the targets that are in no filter.
func (r *router) flushed() {
	r.flushing = max(0, r.flushing-1)
	if r.flushing > 0 {
		return
	}
	for _, target := range r.retiring {
		if r.targets[target] == 0 {
			r.groups.Tell(messages.Retire{Target: target})
		}
	}
	held := r.held
	r.retiring, r.held = nil, nil
	for _, d := range held {
		if r.protect("routing", func() error { r.route(d); return nil }) != nil {
			giveBack(r.broker, d.Token, d.Weight)
		}
	}
	r.tellQuiet()
}

// tellQuiet answers Quiesce when nothing is held, here or in a subscription.
func (r *router) tellQuiet() {
	switch {
	case !r.quiescing || r.flushing > 0:
	case r.emptied:
		r.bridge.Tell(messages.Quiet{From: routerName})
	default:
		r.emptied = true
		r.trie.Each(func(to *route) {
			r.flushing++
			to.subscription.Tell(messages.Flush{All: true})
		})
		r.tellQuiet()
	}
}

func (r *router) deliver(d messages.Delivery) {
	r.seen = d.Token.Seq
	if r.flushing > 0 {
		r.held = append(r.held, d)
		r.step(d.Message, r.paths.router, "held", "until a target that has left its filter has what came before")
		return
	}
	r.route(d)
}

// granted and refused hand what the broker said of a filter to those who wait
// for it.
func (r *router) granted(ctx actor.Context, m messages.Granted) {
	to, ok := r.wired(m.Filter)
	if !ok {
		r.requests.Tell(m)
		return
	}
	to.subscription.Tell(m)
	to.senders.decide(r.reader, verdict{serial: m.Serial, qos: m.QoS})
	if r.spread != nil {
		r.spread.report(ctx, to)
	}
}

func (r *router) refused(ctx actor.Context, m messages.Refused) {
	to, ok := r.wired(m.Filter)
	if !ok {
		r.requests.Tell(m)
		return
	}
	to.subscription.Tell(m)
	failure := &messages.Failure{Code: messages.CodeRefused, Reason: "the broker refused the filter: " + m.Reason}
	to.senders.decide(r.reader, verdict{serial: m.Serial, failure: failure, kind: m.Kind, code: m.Code})
	if r.spread != nil {
		r.spread.report(ctx, to)
	}
}

// stored is a subscription as it is to be stored.
func (r *router) stored(to *route, target messages.Target, o messages.Options) *messages.Stored {
	return &messages.Stored{Filter: to.filter, Target: target, Options: o}
}

func (r *router) facts() any {
	return messages.RouterFacts{Filters: r.trie.Len(), Targets: len(r.targets), Held: len(r.held), Restored: !r.restoring}
}
