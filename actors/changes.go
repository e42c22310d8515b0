package actors

import (
	"fmt"
	"time"

	"chanmqttproxy/actors/reconcile"
	"chanmqttproxy/messages"
)

// unsubscribeLimit is the most filters of one UNSUBSCRIBE.
const unsubscribeLimit = 500

// changeDue comes when the plan of the filters is to be asked again what to do.
type changeDue struct{ stamp }

// changes tells the broker which filters are wanted and which are not, and those who
// wait what has become of them.
type changes struct {
	*env
	router   Ref[messages.ToRouter]
	registry Ref[messages.ToRegistry]
	filters
	unsubscribing bool // an UNSUBSCRIBE waits for its answer
	wake          reminder
}

func newChanges(deps *env, to *refs) changes {
	return changes{env: deps, router: to.router, registry: to.registry, filters: newFilters(deps.SubscribeBatch)}
}

// next tells the session the next changes, and has itself called again when it is time.
// While the answer to an UNSUBSCRIBE is to come nothing is sent: the same
// filter may be wanted again.
func (c *changes) next(life *incarnation, up bool, tell func(messages.ToSession)) {
	if c.unsubscribing {
		return
	}
	busy := c.plan.Busy()
	step := c.plan.Next(time.Now())
	for _, r := range step.Send {
		tell(messages.Subscribe{ID: r.ID, Filters: c.wants(r)})
	}
	for _, v := range step.Verdicts {
		c.found(v)
	}
	if up && !busy {
		c.giveUp(tell)
	}
	c.alarm(life, step.Wake)
	c.noted()
}

// noted has the health know how it stands.
func (c *changes) noted() { c.health.asked(c.len(), c.plan) }

// giveUp unsubscribes from what nobody wants.
func (c *changes) giveUp(tell func(messages.ToSession)) {
	unwanted, unheard := c.given(unsubscribeLimit)
	if len(unheard) > 0 {
		c.gave(unheard)
	}
	if len(unwanted) > 0 {
		c.unsubscribing = true
		tell(messages.Unsubscribe{Filters: unwanted})
	}
}

// alarm has change called again.
func (c *changes) alarm(life *incarnation, at time.Time) {
	c.wake.stop()
	if !at.IsZero() {
		c.wake = life.after(max(time.Until(at), time.Millisecond), &changeDue{})
	}
}

// subscribed takes in what the broker said of filters.
func (c *changes) subscribed(m messages.Subscribed) {
	c.plan.Answered(m.ID, m.Codes, time.Now())
	for i, want := range m.Filters {
		c.answered(want)
		if code := m.Codes[i]; code < 0x80 {
			c.router.Tell(messages.Granted{Filter: want.Filter, Asked: want.QoS, QoS: code, Serial: want.Serial})
		}
	}
}

func (c *changes) unsubscribed(m messages.Unsubscribed) {
	c.gave(c.gone(m.Filters))
	c.unsubscribing = false
}

// gave says that the broker has filters no more.
func (c *changes) gave(filters []string) {
	c.registry.Tell(messages.FilterGone{Filters: filters})
	c.router.Tell(messages.FilterGone{Filters: filters})
}

// unanswered goes on without an answer. What was to be given up is asked to be at the
// next connection.
func (c *changes) unanswered(m messages.NoAnswer) {
	if m.ID > 0 {
		c.plan.Unanswered(m.ID, time.Now())
	} else {
		c.unsubscribing = false
	}
}

// found tells who waits what the plan has found out of a filter, and has it kept.
func (c *changes) found(v reconcile.Verdict) {
	filter := v.Entry.Filter
	if v.Kind == reconcile.Accepted {
		c.Log.Info("the broker accepts a subscription that it had refused", "filter", filter)
		c.accepted(filter)
		return
	}
	f, ok := c.byName[filter]
	if !ok || f.want.Filter == "" {
		return
	}
	f.asked = v.Kind == reconcile.Silent
	code, reason := refusalOf(v)
	c.router.Tell(messages.Refused{Filter: filter, Kind: v.Kind.String(), Code: code, Reason: reason, Serial: f.want.Serial})
	if v.New {
		c.registry.Tell(messages.Keep{Changes: []messages.Change{{Refusal: &messages.FilterRefusal{Filter: filter, Kind: v.Kind.String(), Code: v.Code}}}})
	}
}

// recalled takes in what the broker has refused before.
func (c *changes) recalled(refused []messages.FilterRefusal) { c.accepted(c.recall(refused)...) }

// accepted forgets that filters were refused.
func (c *changes) accepted(filters ...string) {
	var changes []messages.Change
	for _, f := range filters {
		changes = append(changes, messages.Change{Accepted: f})
	}
	if len(changes) > 0 {
		c.registry.Tell(messages.Keep{Changes: changes})
	}
}

// refusalOf is a verdict in words.
func refusalOf(v reconcile.Verdict) (code byte, reason string) {
	switch v.Kind {
	case reconcile.Closed:
		return 0x80, "it closes the connection on a SUBSCRIBE of it"
	case reconcile.Silent:
		return 0x80, "it does not answer a SUBSCRIBE of it"
	case reconcile.Full:
		if v.Limit == 0 {
			return 0x80, "its session takes no more subscriptions"
		}
		return 0x80, fmt.Sprintf("its session takes no more than %d subscriptions, as it seems; this one is tried again when others go", v.Limit)
	default:
		return v.Code, messages.Reason(v.Code)
	}
}
