package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// A subscription owns one filter's way: each delivery that the router sends it
// goes on to those whom the filter serves. It knows what the broker granted,
// and says where that is less than was asked for.

type subscription struct {
	*dependencies
	filter string
}

func newSubscription(deps *dependencies, filter string) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &subscription{dependencies: deps, filter: filter}
	})
}

// Receive is the subscription's table.
func (s *subscription) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Delivery:
		s.deliver(m)
	case messages.Flush:
		s.router.Tell(messages.Flushed{Filter: s.filter})
	case messages.Granted:
		s.granted(m)
	case messages.Refused:
		s.refused(m)
	default:
		s.strange(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (s *subscription) release(message any) {
	if m, ok := message.(messages.Delivery); ok {
		s.giveBack(m.Token, m.Weight)
	}
}

// deliver passes a message on to everybody it is for. What the broker replays
// from its retained store is not passed on.
func (s *subscription) deliver(d messages.Delivery) {
	if d.Message.Retain {
		s.giveBack(d.Token, d.Weight)
		return
	}
	for i, member := range d.To {
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
			Weight: messages.Split(d.Weight, len(d.To), i),
		})
	}
}

func (s *subscription) granted(m messages.Granted) {
	if m.QoS < m.Asked {
		s.Log.Warn("the broker granted a lower QoS than was asked for",
			"filter", m.Filter, "asked", m.Asked, "granted", m.QoS)
		return
	}
	s.Log.Debug("subscribed", "filter", m.Filter, "qos", m.QoS)
}

func (s *subscription) refused(m messages.Refused) {
	s.Stats.FilterRefused.Add(1)
	s.Log.Warn("the broker refused a subscription: check its access rules; asked for again at the next connection",
		"filter", m.Filter, "code", m.Code, "reason", m.Reason)
}
