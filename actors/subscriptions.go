package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/hint"
	"chanmqttproxy/actors/reconcile"
	"chanmqttproxy/actors/routing"
	"chanmqttproxy/messages"
)

const subscriptionKind = "subscription"

// restCheck is how often the actors of subscriptions are checked. One that has had nothing to do
// since the last check, and keeps nothing, is stopped.
const restCheck = time.Minute

// checkSubscriptions comes when it is time for that.
type checkSubscriptions struct{ stamp }

// subscriptions are those of a router. Each is a row. It gets an actor, a child of the router,
// for its first message that has to be kept, or that goes to many: see routing.NeedsActor. The router
// itself passes the others on. It stops an actor as it stops that of a target: the
// StopWhenIdle has a number that is out of date once something more has gone to the actor.
type subscriptions struct {
	*env
	router      actor.Context
	incarnation *incarnation // the router's
	session     Ref[messages.ToSession]
	spawner     *spawner
	uid         uint64                     // of the last row or actor
	sent        uint64                     // messages to actors so far
	living      map[*routing.Route]*living // those that have actors

	checking bool // a checkSubscriptions is on its way
	cleared  bool // the router stops: what it still does is not shown any more
}

func newSubscriptions(deps *env, to *refs) subscriptions {
	return subscriptions{env: deps, session: to.session, spawner: newSubscriptionActors(deps, to), living: map[*routing.Route]*living{}}
}

// rowOf is the row of a route.
func rowOf(of *routing.Route) *row { return of.Row.(*row) }

// add makes the row of a route.
func (s *subscriptions) add(of *routing.Route) {
	s.uid++
	r := &row{paths: &s.paths, filter: of.Filter, since: arrival(time.Now()), place: -1}
	r.uid.Store(s.uid)
	of.Row = r
	if !s.cleared {
		s.registry.rows.add(r)
	}
}

// remove takes the row of a route away, and stops its actor, if it has one, behind what it has.
func (s *subscriptions) remove(of *routing.Route) {
	s.registry.rows.remove(rowOf(of))
	s.stop(of)
}

func (s *subscriptions) stop(of *routing.Route) {
	if live := s.living[of]; live != nil {
		delete(s.living, of)
		rowOf(of).live.Store(nil)
		s.router.Poison(live.pid)
	}
}

// pass passes a delivery on to the subscribers that it is for.
func (s *subscriptions) pass(of *routing.Route, d messages.Delivery) {
	r := rowOf(of)
	r.count(d)
	switch {
	case routing.NeedsActor(d.To):
		s.keep(of, d)
	case s.tell(of, d):
	case len(d.To) == 0:
		s.step(d.Message, r.paths.router, "dropped", "a retained message that nobody waits for")
		giveBack(s.session, d.Token, d.Weight)
	default:
		passOn(d)
	}
}

// passOn tells the actors of the targets.
func passOn(d messages.Delivery) {
	for i, subscriber := range d.To {
		subscriber.At.Tell(deliverTo(subscriber, d, messages.Split(d.Weight, len(d.To), i)))
	}
}

// keep sends m to the actor of a subscription. It makes one if need be.
func (s *subscriptions) keep(of *routing.Route, m messages.ToSubscription) {
	if s.tell(of, m) {
		return
	}
	r := rowOf(of)
	if r.named { // the actor before may not have stopped yet
		s.uid++
		r.uid.Store(s.uid)
	}
	r.named = true
	pid, seen := s.spawner.spawn(s.router, subscriptionKind, r.filter, r.uid.Load())
	live := &living{Ref: refOf[messages.ToSubscription](s.system, pid), seen: seen}
	s.living[of] = live
	s.checkLater()
	r.live.Store(live)
	s.tell(of, m)
}

// tell sends m to the actor of a subscription, and says whether it has one.
func (s *subscriptions) tell(of *routing.Route, m messages.ToSubscription) bool {
	live := rowOf(of).live.Load()
	if live == nil {
		return false
	}
	s.sent++
	live.number = s.sent
	live.Tell(m)
	return true
}

// checkLater has the actors checked in restCheck, if there are any.
func (s *subscriptions) checkLater() {
	if len(s.living) > 0 && !s.checking {
		s.checking = true
		s.incarnation.after(restCheck, &checkSubscriptions{})
	}
}

// check asks each actor that has had nothing to do since the last check whether it keeps anything.
func (s *subscriptions) check() {
	s.checking = false
	for _, live := range s.living {
		if live.number == live.idle {
			live.Tell(messages.StopWhenIdle{Number: live.number})
		}
		live.idle = live.number
	}
	s.checkLater()
}

// stopIdle stops an actor that keeps nothing, unless something has gone to it since.
func (s *subscriptions) stopIdle(of *routing.Route, number uint64) {
	if live := s.living[of]; live != nil && live.number == number {
		s.stop(of)
	}
}

// clear takes the rows away of all routes, as the router stops.
func (s *subscriptions) clear(routes *routing.Table) {
	s.cleared = true
	routes.Each(func(of *routing.Route) { s.registry.rows.remove(rowOf(of)) })
}

// answered notes the broker's answer about a filter.
func (s *subscriptions) answered(of *routing.Route, m filterAnswer) {
	switch m := m.(type) {
	case messages.Granted:
		s.granted(of, m)
	case messages.Refused:
		s.refused(of, m)
	}
}

// granted notes that the broker has granted a filter.
func (s *subscriptions) granted(of *routing.Route, m messages.Granted) {
	r := rowOf(of)
	r.answered, r.asked, r.granted = true, m.Asked, m.QoS
	s.tell(of, m)
	if m.QoS < m.Asked {
		s.Log.Warn("the broker granted a lower QoS than was asked for",
			"filter", m.Filter, "asked", m.Asked, "granted", m.QoS)
		return
	}
	s.Log.Debug("subscribed", "filter", m.Filter, "qos", m.QoS)
}

// refused notes that the broker has refused a filter: no retained messages of it will come.
func (s *subscriptions) refused(of *routing.Route, m messages.Refused) {
	if !s.tell(of, m) {
		s.session.Tell(messages.RetainedComplete{Filter: of.Filter, Revision: m.Revision})
	}
	rowOf(of).answered = true
	if before := of.Replies.Last.Refusal; before != nil && before.Why == m.Reason {
		return
	}
	s.Stats.FilterRefused.Add(1)
	s.Log.Warn("the broker refused a subscription; the worker tries again later, and when a consumer asks again",
		"hint", hint.Subscribe(reconcile.KindOf(m.Kind), m.Code), "filter", m.Filter, "code", m.Code, "reason", m.Reason)
}

// serving is the info of filters.
func serving(routes *routing.Table, filters []string) map[string]messages.SubscriptionInfo {
	info := map[string]messages.SubscriptionInfo{}
	for filter, subscribers := range routes.Serving(filters) {
		of, _ := routes.Get(filter)
		f := rowOf(of).info()
		if refusal := of.Replies.Last.Refusal; refusal != nil {
			f.Refusal = refusal.Why
		}
		f.Subscribers = subscribers
		info[filter] = f
	}
	return info
}
