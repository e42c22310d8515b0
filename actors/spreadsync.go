package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/actors/routing"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// sync makes the subscribers of a filter, or one of them, equal to the registry.
func (s *spread) sync(ctx actor.Context, i placement.Item) {
	subscribers, recipients, asked, asks := s.registered(i)
	s.stay(i.Wire)
	filter := topic.Unshared(i.Wire)
	if to, ok := s.routes.Get(filter); ok {
		to.Slot().Leaving = nil
		gone := to.Missing(i, subscribers)
		if to.Wire() != i.Wire { // it was shared, or was not
			gone = to.Targets()
		}
		s.table.change(ctx, func(e *routing.Effects) { s.routes.Unsubscribe(e, filter, gone) })
	}
	s.routes.Unasked = !asks
	for _, subscriber := range subscribers {
		c := messages.SubscribeCommand{Filter: filter, Targets: []messages.Target{subscriber.Target}, Options: subscriber.Options}
		s.table.change(ctx, func(e *routing.Effects) { s.routes.Subscribe(e, c, time.Now()) })
	}
	s.routes.Unasked = false
	to, ok := s.routes.Wired(i.Wire)
	if !ok {
		s.unanswered.Remove(i.Wire)
		return
	}
	again := asked > to.Slot().Number && to.Replies.Refused(to.Desired.Revision)
	to.Slot().Number = max(to.Slot().Number, asked)
	if asks && (to.Unasked || again) {
		to.Unasked = false
		s.table.change(ctx, func(e *routing.Effects) { s.routes.AskAgain(e, to) })
	}
	s.sendRetained(ctx, to, recipients)
	s.report(ctx, to)
}

// registered returns what the registry says about a filter, or about one target of it.
func (s *spread) registered(i placement.Item) (subscribers []messages.Subscriber, recipients []messages.Recipient, asked uint64, asks bool) {
	s.mirror.read(func(v *placement.View) {
		if i.Whole() {
			subscribers = s.Subscribers(i.Wire)
		} else if o, ok := s.Subscriber(i); ok {
			subscribers = []messages.Subscriber{{Target: i.Target, Options: o}}
		}
		recipients, asked, asks = v.Recipients(i.Wire), v.Asked(i.Wire), s.Asks(i.Wire)
	})
	return subscribers, recipients, asked, asks
}

// sendRetained sends the retained messages to the recipients that have not got them.
func (s *spread) sendRetained(ctx actor.Context, to *routing.Route, recipients []messages.Recipient) {
	last := to.Slot().LastRecipient
	for _, n := range recipients {
		if n.Number <= last || !to.Has(n.Target) {
			continue
		}
		to.Slot().LastRecipient = max(to.Slot().LastRecipient, n.Number)
		c := messages.SubscribeCommand{
			Filter: to.Filter, Targets: []messages.Target{n.Target}, Options: to.Options(n.Target), Retained: true, Recipient: n.Channel,
		}
		s.table.change(ctx, func(e *routing.Effects) { s.routes.SendRetained(e, to, c) })
	}
}

// report writes the broker's answer into the status, once it answers all that was asked.
func (s *spread) report(ctx actor.Context, to *routing.Route) {
	if to.Unasked {
		return
	}
	v := to.Replies.Last
	if v.Revision < to.Desired.Revision {
		s.unanswered.Add(to.Wire(), to.Slot().Number)
		return
	}
	s.unanswered.Remove(to.Wire())
	st := messages.FilterStatus{Filter: to.Wire(), Number: to.Slot().Number, Granted: v.Refusal == nil, QoS: v.QoS}
	if r := v.Refusal; r != nil {
		st.Refusal, st.Reason = messages.FilterRefusal{Filter: to.Wire(), Kind: r.Kind, Code: r.Code}, r.Reason
	}
	s.carryOut(ctx, func() placement.Effects { return s.Answered(st) })
}
