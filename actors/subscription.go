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

// A subscription owns one filter's way: each delivery that the router sends it
// goes on to the members of the filter, at the pace that they asked for, and
// each retained value to those who have recipients. It knows what the broker
// granted, and says where that is less than was asked for.

// subscriptionRefs are the actors that subscriptions send to. They share them, as there may be
// many.
type subscriptionRefs struct {
	router Ref[messages.ToRouter]
	broker Ref[messages.ToBroker]
}

type subscription struct {
	*env
	*subscriptionRefs
	filter string
	seen   *watched

	asked, granted byte
	heard          bool   // the broker has answered
	refusal        string // why it has refused
	messages       uint64
	last           string // the topic of the last

	// Few subscriptions need these.
	pending  *pending   // nil: nobody has waited for retained messages
	throttle *throttled // nil: nothing was held back
}

// newSubscriptions makes the subscriptions of a router. Their mailboxes take little
// memory while they are empty.
func newSubscriptions(deps *env, to *refs) *family {
	shared := &subscriptionRefs{router: to.router, broker: to.broker}
	return newFamily(deps, actor.UnboundedLockfree(), func(seen *watched) actor.Actor {
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
	case messages.Welcome:
		s.welcome(m)
	case messages.Granted:
		s.accepted(ctx, m)
	case messages.Refused:
		s.refused(m)
	case messages.Interrupted:
		s.pending.known().Interrupted()
	case rang:
		s.rang(ctx, m)
	case *actor.Stopping, *actor.Restarting:
		s.stop()
	default:
		s.strange(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (s *subscription) release(message any) {
	if m, ok := message.(messages.Delivery); ok {
		giveBack(s.broker, m.Token, m.Weight)
	}
}

// deliver passes a message on to everybody it is for.
func (s *subscription) deliver(ctx actor.Context, d messages.Delivery) {
	s.count(d)
	if d.Message.Retain {
		s.deliverRetained(ctx, d)
		return
	}
	for i, member := range d.To {
		m := deliverTo(member, d, messages.Split(d.Weight, len(d.To), i))
		least := member.Options.MinInterval
		if least <= 0 && s.throttle.idle() || s.throttled().Take(m, least, time.Now()) {
			m.At.Tell(m)
		} else {
			s.noteHeld()
			s.step(m.Event.Message, s.seen.path, "held", "for "+m.Target.String()+", until its min_interval is over, unless a newer one comes")
			giveBack(s.broker, m.Token, m.Weight)
		}
	}
	s.wake(ctx)
}

// throttled is the throttle, made at need.
func (s *subscription) throttled() *throttled {
	if s.throttle == nil {
		s.throttle = &throttled{Throttle: throttle.New(s.Stats, s.budget())}
	}
	return s.throttle
}

// noteHeld notes what the throttle did with messages that are followed.
func (s *subscription) noteHeld() {
	if s.throttle != nil {
		s.note(s.seen.path, &s.throttle.Trail)
	}
}

// wake has what is held back go on in time.
func (s *subscription) wake(ctx actor.Context) {
	s.noteHeld()
	s.throttle.wake(ctx)
}

// welcome notes a recipient.
func (s *subscription) welcome(m messages.Welcome) {
	if s.pending == nil {
		s.pending = &pending{Pending: retained.NewPending()}
	}
	s.pending.Add(m)
}

// deliverRetained passes a retained value on to those who have recipients. It begins
// their interval, and is not held back.
func (s *subscription) deliverRetained(ctx actor.Context, d messages.Delivery) {
	now := time.Now()
	s.pending.known().Arrived(now)
	for i, member := range d.To {
		member.At.Tell(deliverTo(member, d, messages.Split(d.Weight, len(d.To), i)))
		if least := member.Options.MinInterval; least > 0 {
			s.throttled().Passed(member.Target, d.Message.Topic, least, now)
		}
	}
	if len(d.To) == 0 {
		s.step(d.Message, s.seen.path, "dropped", "a retained message that nobody waits for")
		giveBack(s.broker, d.Token, d.Weight)
	}
	s.wake(ctx)
}

// count notes a message for those who watch.
func (s *subscription) count(d messages.Delivery) {
	s.messages++
	s.last = d.Message.Topic
	s.seen.sent.Store(s.seen.sent.Load() + uint64(len(d.To)))
	s.seen.lastAt.Store(d.Message.At.UnixNano())
}

func (s *subscription) facts() any {
	f := messages.SubscriptionFacts{
		Filter: s.filter, Asked: s.asked, Granted: s.granted, Answered: s.heard, Refused: s.refusal,
		Messages: s.messages, LastTopic: s.last,
	}
	if s.messages > 0 {
		f.LastAt = time.Unix(0, s.seen.lastAt.Load())
	}
	return f
}

// deliverTo is what one member gets of a delivery.
func deliverTo(member messages.Member, d messages.Delivery, weight uint64) messages.Deliver {
	return messages.Deliver{Target: member.Target, At: member.At, Event: delivery.EventFor(member.Options, d.Message), Token: d.Token, Weight: weight}
}

// flush passes on what is held back for those who left, or for all.
func (s *subscription) flush(ctx actor.Context, m messages.Flush) {
	due := s.throttle.letGo(func(t messages.Target) bool { return m.All || slices.Contains(m.Left, t) })
	s.noteHeld()
	s.tell(due)
	s.wake(ctx)
	for _, target := range m.Left {
		s.endFor(target)
	}
	s.router.Tell(messages.Flushed{Filter: s.filter})
}

// tell passes on what was held back.
func (s *subscription) tell(due []messages.Deliver) {
	for _, m := range due {
		m.At.Tell(m)
	}
}

func (s *subscription) rang(ctx actor.Context, m rang) {
	switch {
	case s.throttle != nil && s.throttle.due.rings(m):
		due := s.throttle.Due(time.Now())
		s.noteHeld()
		s.tell(due)
		s.wake(ctx)
	case s.pending != nil && s.pending.quiet.rings(m):
		s.check(ctx)
	}
}

func (s *subscription) accepted(ctx actor.Context, m messages.Granted) {
	s.heard, s.asked, s.granted, s.refusal = true, m.Asked, m.QoS, ""
	if now := time.Now(); s.pending.known().Granted(m.Serial, now) {
		s.pending.quiet.set(ctx, now.Add(retained.Quiet))
	}
	if m.QoS < m.Asked {
		s.Log.Warn("the broker granted a lower QoS than was asked for",
			"filter", m.Filter, "asked", m.Asked, "granted", m.QoS)
		return
	}
	s.Log.Debug("subscribed", "filter", m.Filter, "qos", m.QoS)
}

func (s *subscription) refused(m messages.Refused) {
	s.end(m.Serial)
	if s.heard = true; s.refusal == m.Reason {
		return
	}
	s.refusal = m.Reason
	s.Stats.FilterRefused.Add(1)
	s.Log.Warn("the broker refused a subscription; the worker tries again later, and when a consumer asks again",
		"hint", subscribeHint(m.Code), "filter", m.Filter, "code", m.Code, "reason", m.Reason)
}

// check ends the waiting of the recipients for which all retained values have come.
func (s *subscription) check(ctx actor.Context) {
	now := time.Now()
	ended, again := s.pending.Check(now, s.Stats.Replaying.Load() > 0)
	if ended > 0 {
		s.end(ended)
	}
	if again > 0 {
		s.pending.quiet.set(ctx, now.Add(again))
	}
}

// end tells those who wait for retained values, up to a serial, that there are no
// more.
func (s *subscription) end(serial uint64) {
	for _, target := range s.pending.known().Complete(serial) {
		s.welcomed(target, serial)
	}
	s.broker.Tell(messages.Welcomed{Filter: s.filter, Serial: serial})
}

// endFor ends the waiting of a target that has left.
func (s *subscription) endFor(target messages.Target) {
	if serial, ok := s.pending.known().Leave(target); ok {
		s.welcomed(target, serial)
	}
}

func (s *subscription) welcomed(target messages.Target, serial uint64) {
	s.router.Tell(messages.Welcomed{Target: target, Filter: s.filter, Serial: serial})
}

// stop counts what was held back, and has been acknowledged.
func (s *subscription) stop() {
	for _, target := range s.pending.known().Targets() {
		s.endFor(target)
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
