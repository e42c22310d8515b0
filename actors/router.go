package actors

import (
	"cmp"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// The router owns the trie: for each filter its subscription and who its
// members are. It carries out commands and sends each inbound message to the
// subscriptions that match, so that every target gets it once: from the oldest
// of those it is a member of.
//
// When a target leaves a subscription while another one serves it too, its
// messages take another way from then on. What comes is then held until the
// subscription confirms that it has passed on what it had; without that, a
// message could overtake an earlier one.

// route is what the router knows of one filter.
type route struct {
	filter       string
	age          uint64 // the lower, the older
	identifier   uint32
	pid          *actor.PID
	subscription Ref[messages.ToSubscription]
	members      map[messages.Target]messages.Options
}

type router struct {
	*dependencies
	trie    topic.Trie[*route]
	targets map[messages.Target]int
	serial  uint64

	restoring bool // the subscriptions of before are not known yet
	early     []messages.Execute

	confirming int // Leaves to be confirmed before deliveries go on
	held       []messages.Delivery

	matched []*route // scratch space of one delivery
}

func newRouter(deps *dependencies) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &router{dependencies: deps, targets: map[messages.Target]int{}, restoring: true}
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
	case messages.Drop:
		r.drop(ctx, m)
	case messages.Left:
		r.left()
	case messages.SubscriptionStarted:
		r.introduce(m)
	case messages.Granted:
		r.pass(m.Filter, m)
	case messages.Refused:
		r.pass(m.Filter, m)
	}
}

// release gives back what a message held whose handling panicked.
func (r *router) release(message any) {
	switch m := message.(type) {
	case messages.Delivery:
		r.settle(m)
	case messages.Execute:
		r.done(m.Receipt)
	case messages.Left:
		r.confirming = max(0, r.confirming-1)
	}
}

// execute carries a command out. Commands that come before the subscriptions
// are restored wait for that.
func (r *router) execute(ctx actor.Context, m messages.Execute) {
	if r.restoring {
		r.early = append(r.early, m)
		return
	}
	var changes []messages.Change
	switch c := m.Command.(type) {
	case messages.SubscribeCommand:
		changes = r.subscribe(ctx, c)
	case messages.UnsubscribeCommand:
		changes = r.unsubscribe(ctx, c.Filter, c.Targets)
	case messages.PublishCommand:
		r.broker.Tell(messages.Publish{Receipt: m.Receipt, Message: c.Message})
		return // the broker says when it is done
	}
	if len(changes) == 0 {
		r.done(m.Receipt)
		return
	}
	r.registry.Tell(messages.Keep{Receipt: m.Receipt, Changes: changes})
}

func (r *router) done(receipt messages.Receipt) {
	r.reader.Tell(messages.Done{Receipts: []messages.Receipt{receipt}})
}

// restored takes the subscriptions of before over, and lets the broker and the
// commands come.
func (r *router) restored(ctx actor.Context, m messages.Restored) {
	for _, s := range m.Stored {
		r.subscribe(ctx, messages.SubscribeCommand{Filter: s.Filter, Targets: []messages.Target{s.Target}, Options: s.Options})
	}
	r.broker.Tell(messages.Begin{Leaving: m.Leaving})
	r.restoring = false
	early := r.early
	r.early = nil
	for _, e := range early {
		if r.protect("carrying out a command", func() error { r.execute(ctx, e); return nil }) != nil {
			r.done(e.Receipt)
		}
	}
}

// subscribe adds the targets to a filter and returns what that changes.
func (r *router) subscribe(ctx actor.Context, c messages.SubscribeCommand) (changes []messages.Change) {
	to, ok := r.trie.Get(c.Filter)
	if !ok {
		to = r.add(ctx, c.Filter)
	}
	for _, target := range c.Targets {
		old, member := to.members[target]
		if member && old == c.Options {
			continue
		}
		if !member {
			r.targets[target]++
		}
		to.members[target] = c.Options
		to.subscription.Tell(messages.Join{Member: messages.Member{Target: target, Options: c.Options}})
		changes = append(changes, messages.Change{Put: &messages.Stored{Filter: c.Filter, Target: target, Options: c.Options}})
	}
	return changes
}

func (r *router) add(ctx actor.Context, filter string) *route {
	r.serial++
	pid := spawn(ctx, childName("subscription", filter, r.serial), newSubscription(r.dependencies, filter))
	to := &route{
		filter: filter, age: r.serial, identifier: topic.Identifier(filter),
		pid: pid, subscription: refOf[messages.ToSubscription](r.system, pid),
		members: map[messages.Target]messages.Options{},
	}
	r.trie.Set(filter, to)
	return to
}

// unsubscribe takes the targets away from a filter and returns what that
// changes.
func (r *router) unsubscribe(ctx actor.Context, filter string, targets []messages.Target) (changes []messages.Change) {
	to, ok := r.trie.Get(filter)
	if !ok {
		return nil
	}
	for _, target := range targets {
		if _, member := to.members[target]; member {
			r.leave(to, target)
			changes = append(changes, messages.Change{Remove: &messages.Stored{Filter: filter, Target: target}})
		}
	}
	if len(to.members) == 0 {
		r.trie.Delete(filter)
		ctx.Poison(to.pid)
		changes = append(changes, messages.Change{Leaving: filter})
	}
	return changes
}

func (r *router) drop(ctx actor.Context, m messages.Drop) {
	for _, filter := range m.Filters {
		r.registry.Tell(messages.Keep{Changes: r.unsubscribe(ctx, filter, []messages.Target{m.Target})})
	}
}

func (r *router) leave(to *route, target messages.Target) {
	delete(to.members, target)
	r.targets[target]--
	last := r.targets[target] == 0
	if !last {
		r.confirming++
	}
	to.subscription.Tell(messages.Leave{Target: target, Confirm: !last})
	if last {
		delete(r.targets, target)
		r.groups.Tell(messages.Retire{Target: target})
	}
}

// left lets the held deliveries go once the last Leave is confirmed.
func (r *router) left() {
	r.confirming = max(0, r.confirming-1)
	if r.confirming > 0 {
		return
	}
	held := r.held
	r.held = nil
	for _, d := range held {
		if r.protect("routing", func() error { r.route(d); return nil }) != nil {
			r.settle(d)
		}
	}
}

func (r *router) deliver(d messages.Delivery) {
	if r.confirming > 0 {
		r.held = append(r.held, d)
		return
	}
	r.route(d)
}

// route sends a delivery to the subscriptions that match.
func (r *router) route(d messages.Delivery) {
	r.matched = r.trie.Match(d.Message.Topic, r.matched[:0])
	matched := r.matched
	if len(matched) == 1 && concerns(d, matched[0]) {
		matched[0].subscription.Tell(d)
		return
	}
	slices.SortFunc(matched, func(a, b *route) int { return cmp.Compare(a.age, b.age) })
	parts := r.parts(d, matched)
	if len(parts) == 0 {
		r.Stats.Unmatched.Add(1)
		r.settle(d)
		return
	}
	for i, p := range parts {
		copied := d
		copied.Weight = messages.Split(d.Weight, len(parts), i)
		copied.Skip = p.skip
		p.to.subscription.Tell(copied)
	}
}

// part is one subscription's share of a delivery.
type part struct {
	to   *route
	skip []messages.Target
}

// parts are the subscriptions that this copy of the message is for, oldest
// first, each with the members that an older one serves.
func (r *router) parts(d messages.Delivery, matched []*route) []part {
	var parts []part
	for i, to := range matched {
		if !concerns(d, to) {
			continue
		}
		if skip := servedBy(matched[:i], to); len(skip) < len(to.members) {
			parts = append(parts, part{to, skip})
		}
	}
	return parts
}

// concerns says whether the broker sent this copy for that filter. A broker
// that sends one copy for each filter names the filter's identifier in each
// [MQTT-3.3.4-4]; one that names none sent it for all.
func concerns(d messages.Delivery, to *route) bool {
	return len(d.Identifiers) == 0 || slices.Contains(d.Identifiers, to.identifier)
}

// servedBy lists the members of a subscription that are members of an older
// one as well.
func servedBy(older []*route, to *route) []messages.Target {
	var served []messages.Target
	for target := range to.members {
		if slices.ContainsFunc(older, func(o *route) bool { _, ok := o.members[target]; return ok }) {
			served = append(served, target)
		}
	}
	return served
}

// introduce tells a subscription that starts (again) who its members are.
func (r *router) introduce(m messages.SubscriptionStarted) {
	to, ok := r.trie.Get(m.Filter)
	if !ok {
		return
	}
	members := make([]messages.Member, 0, len(to.members))
	for target, options := range to.members {
		members = append(members, messages.Member{Target: target, Options: options})
	}
	to.subscription.Tell(messages.Members{Members: members})
}

// pass hands what the broker said of a filter to its subscription.
func (r *router) pass(filter string, m messages.ToSubscription) {
	if to, ok := r.trie.Get(filter); ok {
		to.subscription.Tell(m)
	}
}

func (r *router) settle(d messages.Delivery) {
	r.broker.Tell(messages.Settled{Parts: []messages.Settlement{{Token: d.Token, Weight: d.Weight}}})
}
