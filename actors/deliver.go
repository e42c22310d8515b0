package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/routing"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// deliveries routes messages: each goes to the subscriptions that match, as soon as nothing
// is under way that must come before it.
type deliveries struct {
	*env
	self     Ref[messages.ToRouter]
	session  Ref[messages.ToSession]
	requests Ref[messages.ToRequests]

	routes        *routing.Table
	subscriptions subscriptions
	gate          routing.Gate
	spread        *spread // nil: there is one session slot
	targets
}

// deliver routes a delivery, or holds it.
func (r *deliveries) deliver(d messages.Delivery) {
	r.routes.Seen(d.Token.Seq)
	if r.spread != nil {
		d.Since = r.spread.markers.Since()
	}
	if r.gate.Hold(d) {
		r.step(d.Message, r.paths.router, "held", "until a target that has left its filter has what came before")
		return
	}
	r.route(d)
}

// route sends each subscription that matches a part of the delivery.
func (r *deliveries) route(d messages.Delivery) {
	m := r.routes.Match(d)
	if m.Response {
		d = r.respond(d, len(m.Routes) > 0)
	}
	if d.Message.Trace != 0 && !d.Message.Retain {
		what, text := m.Describe()
		r.step(d.Message, r.paths.router, what, text)
	}
	if len(m.Parts) == 0 {
		r.unmatched(d, m.Remote)
		return
	}
	if d.Message.Span != nil {
		d.Message.Span.Filter = m.Parts[0].Route.Filter
	}
	for i, p := range m.Parts {
		part := d
		part.Weight, part.To = messages.Split(d.Weight, len(m.Parts), i), p.Subscribers
		r.pass(p.Route, part)
	}
}

// pass gives the subscription its part of a delivery, or keeps it until another slot has
// handed over what it has of the filter.
func (r *deliveries) pass(to *routing.Route, d messages.Delivery) {
	if l := to.LeavingNow(); l != nil {
		l.Last = time.Now()
	}
	if to.Held && !d.Message.Retain {
		r.spread.keep(to, d)
		return
	}
	r.send(to, d)
}

// send sends the subscription a delivery, and makes the actors of targets that have none.
// Their addresses stay in d.To. Later deliveries share it, also those of other filters whose only
// subscriber is the same.
func (r *deliveries) send(to *routing.Route, d messages.Delivery) {
	for i := range d.To {
		if subscriber := &d.To[i]; subscriber.At == nil {
			subscriber.At = r.of(subscriber.Target).Ref
		}
	}
	r.subscriptions.pass(to, d)
}

// respond sends a delivery to requests, and returns what is left for the subscriptions.
func (r *deliveries) respond(d messages.Delivery, others bool) messages.Delivery {
	n := 1
	if others {
		n++
	}
	weight := messages.Split(d.Weight, n, 0)
	r.requests.Tell(messages.Response{Token: d.Token, Weight: weight, Message: d.Message})
	d.Weight -= weight
	return d
}

// unmatched gives back a delivery that no target here gets.
func (r *deliveries) unmatched(d messages.Delivery, remote bool) {
	switch {
	case d.Weight == 0: // requests has it
		return
	case d.Message.Retain:
		r.step(d.Message, r.paths.router, "dropped", "a retained message that nobody waits for")
	case !remote:
		r.Stats.Unmatched.Add(1)
	}
	giveBack(r.session, d.Token, d.Weight)
}

// flush makes a subscription pass on what it has. Deliveries are held until then.
func (r *deliveries) flush(to *routing.Route, f messages.Flush) {
	r.gate.Flush()
	if !r.subscriptions.tell(to, f) {
		r.self.Tell(messages.Flushed{Filter: to.Filter})
	}
}

// flushed routes the held deliveries once the last Flush is answered. Nothing is under way
// any more to targets that are in no filter: their actors are stopped.
func (r *deliveries) flushed() {
	held, idle := r.gate.Flushed()
	if !r.gate.Open() {
		return
	}
	for _, target := range idle {
		if !r.routes.Serves(target) {
			r.stopWhenIdle(target)
		}
	}
	for _, d := range held {
		if r.protect("routing", func() error { r.route(d); return nil }) != nil {
			giveBack(r.session, d.Token, d.Weight)
		}
	}
}

// answer passes an answer, or a change of state, on to its target. The target's actor is
// stopped afterwards if no subscription serves it.
func (r *deliveries) answer(m messages.Deliver) {
	r.of(m.Target).Tell(m)
	r.idle(m.Target)
}

// idle stops the actor of a target once it has nothing left, if no subscription serves it.
// While the gate is closed, something of a former subscription may be under way to it.
func (r *deliveries) idle(target messages.Target) {
	switch {
	case r.routes.Serves(target):
	case r.gate.Open():
		r.stopWhenIdle(target)
	default:
		r.gate.Idle(target)
	}
}

// gone stops the actor of a target that has nothing left, unless it is served again. Where
// it was served in between, its number is another by now.
func (r *deliveries) gone(m messages.Idle) {
	if !r.routes.Serves(m.Target) {
		r.stopIdle(m)
	}
}

// handOver asks the actor of a target to answer when all that has come is written.
func (r *deliveries) handOver(target messages.Target, id uint64) {
	if !r.sendTo(target, messages.HandOver{Target: target, ID: id}) {
		r.self.Tell(messages.HandedOver{ID: id})
	}
}

// interrupted passes on that some retained messages of a filter may be missing.
func (r *deliveries) interrupted(m messages.Interrupted) {
	if to, ok := r.routes.Get(topic.Unshared(m.Filter)); ok {
		r.subscriptions.tell(to, m)
	}
}

// respondTo answers a question about the table.
func (r *deliveries) respondTo(ctx actor.Context, m any) {
	switch m := m.(type) {
	case messages.Serving:
		ctx.Respond(serving(r.routes, m.Filters))
	case messages.Matching:
		ctx.Respond(r.routes.Matching(m.Topic))
	}
}

// complete passes on that all retained messages have come for some recipients.
func (r *deliveries) complete(m messages.RetainedComplete) {
	r.routes.Complete(m)
	r.sendTo(m.Target, m)
}
