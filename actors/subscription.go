package actors

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/delivery"
	"chanmqttproxy/actors/retained"
	"chanmqttproxy/actors/throttle"
	"chanmqttproxy/messages"
)

// A subscription, as an actor, passes the deliveries of one filter on to its subscribers, no
// faster than their MinInterval, and the retained messages to those that have recipients. There is
// one only while it is needed: see subscriptions.

// subscriptionRefs are the actors that subscriptions send to. All share one value, to save
// memory.
type subscriptionRefs struct {
	router  Ref[messages.ToRouter]
	session Ref[messages.ToSession]
}

type subscription struct {
	*env
	*subscriptionRefs
	filter string
	seen   *record

	pending  *pending   // nil: nobody has waited for retained messages
	throttle *throttled // nil: nothing was held back
}

// newSubscriptionActors makes the spawner of a router's subscriptions. Their mailboxes take little
// memory while they are empty.
func newSubscriptionActors(deps *env, to *refs) *spawner {
	shared := &subscriptionRefs{router: to.router, session: to.session}
	return newSpawner(deps, actor.UnboundedLockfree(), func(seen *record) actor.Actor {
		return &subscription{env: deps, subscriptionRefs: shared, filter: seen.name, seen: seen}
	})
}

// Receive is the subscription's table.
func (s *subscription) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Delivery:
		s.deliver(ctx, m)
	case messages.Flush:
		s.flush(ctx, m)
	case messages.SendRetained:
		s.addRecipient(m)
	case messages.Granted:
		s.granted(ctx, m)
	case messages.Refused:
		s.completeUpTo(m.Revision)
	case messages.Interrupted:
		s.pending.known().Interrupted()
	case fired:
		s.fired(ctx, m)
	case messages.StopWhenIdle:
		s.reportIdle(m.Number)
	case *actor.Stopping, *actor.Restarting:
		s.stop()
	default:
		s.unhandled(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (s *subscription) release(message any) {
	if m, ok := message.(messages.Delivery); ok {
		giveBack(s.session, m.Token, m.Weight)
	}
}

// deliver passes a message on to the subscribers that it is for.
func (s *subscription) deliver(ctx actor.Context, d messages.Delivery) {
	if d.Message.Retain {
		s.deliverRetained(ctx, d)
		return
	}
	for i, subscriber := range d.To {
		m := deliverTo(subscriber, d, messages.Split(d.Weight, len(d.To), i))
		least := subscriber.Options.MinInterval
		if least <= 0 && s.throttle.idle() || s.throttled().Take(m, least, time.Now()) {
			m.At.Tell(m)
		} else {
			s.noteHeld()
			s.step(m.Event.Message, s.seen.path, "held", "for "+m.Target.String()+", until its min_interval is over, unless a newer one comes")
			giveBack(s.session, m.Token, m.Weight)
		}
	}
	s.wake(ctx)
}

// throttled returns the throttle, and makes it at the first call.
func (s *subscription) throttled() *throttled {
	if s.throttle == nil {
		s.throttle = &throttled{Throttle: throttle.New(s.Stats, s.budget())}
	}
	return s.throttle
}

// noteHeld adds what the throttle did to the traces of messages that are followed.
func (s *subscription) noteHeld() {
	if s.throttle != nil {
		s.note(s.seen.path, &s.throttle.Trail)
	}
}

// wake sets the timer for what is held back.
func (s *subscription) wake(ctx actor.Context) {
	s.noteHeld()
	s.throttle.wake(ctx)
}

// addRecipient notes a recipient.
func (s *subscription) addRecipient(m messages.SendRetained) {
	if s.pending == nil {
		s.pending = &pending{Pending: retained.NewPending()}
	}
	s.pending.Add(m)
}

// deliverRetained passes a retained message on to the subscribers that have recipients. It is
// not held back, and starts their MinInterval.
func (s *subscription) deliverRetained(ctx actor.Context, d messages.Delivery) {
	now := time.Now()
	s.pending.known().Arrived(now)
	passOn(d)
	for _, subscriber := range d.To {
		if least := subscriber.Options.MinInterval; least > 0 {
			s.throttled().Passed(subscriber.Target, d.Message.Topic, least, now)
		}
	}
	if len(d.To) == 0 {
		s.step(d.Message, s.seen.path, "dropped", "a retained message that nobody waits for")
		giveBack(s.session, d.Token, d.Weight)
	}
	s.wake(ctx)
}

// reportIdle answers StopWhenIdle if nothing is kept.
func (s *subscription) reportIdle(number uint64) {
	if s.throttle.idle() && s.pending.known().Idle() {
		s.router.Tell(messages.Idle{Filter: s.filter, Number: number})
	}
}

// deliverTo is what one subscriber gets of a delivery.
func deliverTo(subscriber messages.Subscriber, d messages.Delivery, weight uint64) messages.Deliver {
	return messages.Deliver{Target: subscriber.Target, At: subscriber.At, Event: delivery.EventFor(subscriber.Options, d.Message), Token: d.Token, Weight: weight}
}

// flush passes on what is held back for the targets that have left, or for all.
func (s *subscription) flush(ctx actor.Context, m messages.Flush) {
	due := s.throttle.letGo(func(t messages.Target) bool { return m.All || slices.Contains(m.Left, t) })
	s.noteHeld()
	s.deliverDue(due)
	s.wake(ctx)
	for _, target := range m.Left {
		s.completeFor(target)
	}
	s.router.Tell(messages.Flushed{Filter: s.filter})
}

// deliverDue passes on what was held back.
func (s *subscription) deliverDue(due []messages.Deliver) {
	for _, m := range due {
		m.At.Tell(m)
	}
}

func (s *subscription) fired(ctx actor.Context, m fired) {
	switch {
	case s.throttle != nil && s.throttle.due.fired(m):
		due := s.throttle.Due(time.Now())
		s.noteHeld()
		s.deliverDue(due)
		s.wake(ctx)
	case s.pending != nil && s.pending.quiet.fired(m):
		s.check(ctx)
	}
}

func (s *subscription) granted(ctx actor.Context, m messages.Granted) {
	if now := time.Now(); s.pending.known().Granted(m.Revision, now) {
		s.pending.quiet.set(ctx, now.Add(retained.Quiet))
	}
}

// check completes the recipients whose retained messages have all come.
func (s *subscription) check(ctx actor.Context) {
	now := time.Now()
	ended, again := s.pending.Check(now, s.Stats.RetainedInFlight.Load() > 0)
	if ended > 0 {
		s.completeUpTo(ended)
	}
	if again > 0 {
		s.pending.quiet.set(ctx, now.Add(again))
	}
}

// completeUpTo completes the recipients up to a revision of the Desired.
func (s *subscription) completeUpTo(revision uint64) {
	for _, target := range s.pending.known().Complete(revision) {
		s.retainedComplete(target, revision)
	}
	s.session.Tell(messages.RetainedComplete{Filter: s.filter, Revision: revision})
}

// completeFor completes the recipients of a target that has left.
func (s *subscription) completeFor(target messages.Target) {
	if revision, ok := s.pending.known().Leave(target); ok {
		s.retainedComplete(target, revision)
	}
}

func (s *subscription) retainedComplete(target messages.Target, revision uint64) {
	s.router.Tell(messages.RetainedComplete{Target: target, Filter: s.filter, Revision: revision})
}

// stop counts and logs the messages that are lost: they were held back, and are acknowledged.
func (s *subscription) stop() {
	for _, target := range s.pending.known().Targets() {
		s.completeFor(target)
	}
	s.pending.stop()
	due := s.throttle.letGo(func(messages.Target) bool { return true })
	s.noteHeld()
	s.throttle.stop()
	if len(due) > 0 {
		s.Stats.Abandoned.Add(int64(len(due)))
		s.Log.Warn("stopping: dropped messages that waited for their min_interval", "filter", s.filter, "messages", len(due))
	}
}
