package actors

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// A subscription owns one filter: who its members are, with which options, and
// what it therefore wants of the broker. It passes each delivery on to its
// members.
//
// A new incarnation learns its members from the router; deliveries that come
// before that wait.

type subscription struct {
	*dependencies
	filter  string
	members map[messages.Target]messages.Options
	wanted  messages.Want // what the broker was asked for; zero: nothing

	learning bool
	early    []messages.Delivery
}

func newSubscription(deps *dependencies, filter string) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &subscription{
			dependencies: deps, filter: filter, learning: true,
			members: map[messages.Target]messages.Options{},
		}
	})
}

// Receive is the subscription's table.
func (s *subscription) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.router.Tell(messages.SubscriptionStarted{Filter: s.filter})
	case messages.Delivery:
		s.deliver(m)
	case messages.Members:
		s.learn(m)
	case messages.Join:
		s.members[m.Member.Target] = m.Member.Options
		s.want()
	case messages.Leave:
		s.leave(m)
	case messages.Granted:
		s.granted(m)
	case messages.Refused:
		s.Stats.FilterRefused.Add(1)
		s.Log.Warn("the broker refused a subscription: check its access rules; asked for again at the next connection",
			"filter", m.Filter, "code", m.Code, "reason", m.Reason)
	}
}

// release gives back what a message held whose handling panicked.
func (s *subscription) release(message any) {
	switch m := message.(type) {
	case messages.Delivery:
		s.settle(m)
	case messages.Leave:
		s.confirm(m)
	}
}

func (s *subscription) learn(m messages.Members) {
	clear(s.members)
	for _, member := range m.Members {
		s.members[member.Target] = member.Options
	}
	s.want()
	s.learning = false
	early := s.early
	s.early = nil
	for _, d := range early {
		if s.protect("delivering "+s.filter, func() error { s.deliver(d); return nil }) != nil {
			s.settle(d)
		}
	}
}

func (s *subscription) leave(m messages.Leave) {
	delete(s.members, m.Target)
	s.want()
	s.confirm(m)
}

func (s *subscription) confirm(m messages.Leave) {
	if m.Confirm {
		s.router.Tell(messages.Left{Target: m.Target})
	}
}

// want asks the broker for what the members need together: the highest QoS,
// and no local messages only if nobody wants them.
func (s *subscription) want() {
	if len(s.members) == 0 {
		if s.wanted.Filter != "" {
			s.wanted = messages.Want{}
			s.broker.Tell(messages.Unwant{Filter: s.filter})
		}
		return
	}
	want := messages.Want{Filter: s.filter, NoLocal: true}
	for _, o := range s.members {
		want.QoS = max(want.QoS, o.QoS)
		want.NoLocal = want.NoLocal && o.NoLocal
	}
	if want != s.wanted {
		s.wanted = want
		s.broker.Tell(want)
	}
}

func (s *subscription) granted(m messages.Granted) {
	if m.QoS < s.wanted.QoS {
		s.Log.Warn("the broker granted a lower QoS than was asked for",
			"filter", m.Filter, "asked", s.wanted.QoS, "granted", m.QoS)
		return
	}
	s.Log.Debug("subscribed", "filter", m.Filter, "qos", m.QoS)
}

// deliver passes a message on to every member that does not get it by another
// filter. What the broker replays from its retained store is not passed on.
func (s *subscription) deliver(d messages.Delivery) {
	if s.learning {
		s.early = append(s.early, d)
		return
	}
	to := s.recipients(d.Skip)
	if len(to) == 0 || d.Message.Retain {
		s.settle(d)
		return
	}
	for i, member := range to {
		s.groups.Tell(messages.Deliver{
			Target: member.Target,
			Event: messages.Event{
				Message:  d.Message,
				QoS:      min(d.Message.QoS, member.Options.QoS),
				Payload:  member.Options.Payload,
				Overflow: member.Options.Overflow,
				Batch:    member.Options.Batch,
			},
			Token:  d.Token,
			Weight: messages.Split(d.Weight, len(to), i),
		})
	}
}

func (s *subscription) recipients(skip []messages.Target) []messages.Member {
	to := make([]messages.Member, 0, len(s.members))
	for target, options := range s.members {
		if !slices.Contains(skip, target) {
			to = append(to, messages.Member{Target: target, Options: options})
		}
	}
	return to
}

func (s *subscription) settle(d messages.Delivery) {
	s.broker.Tell(messages.Settled{Parts: []messages.Settlement{{Token: d.Token, Weight: d.Weight}}})
}
