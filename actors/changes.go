package actors

import (
	"fmt"
	"time"

	"chanmqttproxy/actors/reconcile"
	"chanmqttproxy/messages"
)

// unsubscribeLimit is the most filters of one UNSUBSCRIBE.
const unsubscribeLimit = 500

// changeDue comes when next has something to do.
type changeDue struct{ stamp }

// changes sends the MQTT broker the changes of filters, and reports the answers.
type changes struct {
	*env
	router Ref[messages.ToRouter]
	store  Ref[messages.ToStore]
	filters
	unsubscribing bool // an UNSUBSCRIBE waits for its answer
	wake          reminder
}

func newChanges(deps *env, to *refs) changes {
	return changes{env: deps, router: to.router, store: to.store, filters: newFilters(deps.SubscribeBatch)}
}

// next sends the connection the next changes, and sets the time of the following call.
// Nothing is sent while an UNSUBSCRIBE has no answer: the same filter may be wanted again.
func (c *changes) next(incarnation *incarnation, up bool, send func(messages.ToConnection)) {
	if c.unsubscribing {
		return
	}
	busy := c.plan.Busy()
	step := c.plan.Next(time.Now())
	for _, r := range step.Send {
		send(messages.Subscribe{ID: r.ID, Filters: c.wants(r)})
	}
	for _, v := range step.Results {
		c.decided(v)
	}
	if up && !busy {
		c.giveUp(send)
	}
	c.schedule(incarnation, step.Wake)
	c.updateHealth()
}

// updateHealth notes for Tree.Health how many filters are at the broker.
func (c *changes) updateHealth() { c.health.subscriptions(c.len(), c.plan) }

// giveUp unsubscribes from what nobody wants.
func (c *changes) giveUp(send func(messages.ToConnection)) {
	unwanted, unknown := c.takeUnwanted(unsubscribeLimit)
	if len(unknown) > 0 {
		c.reportGone(unknown)
	}
	if len(unwanted) > 0 {
		c.unsubscribing = true
		send(messages.Unsubscribe{Filters: unwanted})
	}
}

// schedule has next called again.
func (c *changes) schedule(incarnation *incarnation, at time.Time) {
	c.wake.stop()
	if !at.IsZero() {
		c.wake = incarnation.after(max(time.Until(at), time.Millisecond), &changeDue{})
	}
}

// subscribed handles a SUBACK.
func (c *changes) subscribed(m messages.Subscribed) {
	c.plan.Answered(m.ID, m.Codes, time.Now())
	for i, want := range m.Filters {
		c.answered(want)
		if code := m.Codes[i]; code < messages.ReasonUnspecified {
			c.router.Tell(messages.Granted{Filter: want.Filter, Asked: want.QoS, QoS: code, Revision: want.Revision})
		}
	}
}

func (c *changes) unsubscribed(m messages.Unsubscribed) {
	c.reportGone(c.gone(m.Filters))
	c.unsubscribing = false
}

// reportGone reports that the broker has no subscription for these filters any more.
func (c *changes) reportGone(filters []string) {
	c.store.Tell(messages.FilterGone{Filters: filters})
	c.router.Tell(messages.FilterGone{Filters: filters})
}

// unanswered goes on without an answer. The next connection unsubscribes again.
func (c *changes) unanswered(m messages.NoAnswer) {
	if m.ID > 0 {
		c.plan.Unanswered(m.ID, time.Now())
	} else {
		c.unsubscribing = false
	}
}

// decided reports what the plan has found out about a filter, and has it stored.
func (c *changes) decided(v reconcile.Result) {
	filter := v.Entry.Filter
	if v.Kind == reconcile.Accepted {
		c.Log.Info("the broker accepts a subscription that it had refused", "filter", filter)
		c.accepted(filter)
		return
	}
	f, ok := c.byName[filter]
	if !ok || !f.wanted {
		return
	}
	f.asked = v.Kind == reconcile.Silent
	code, reason := refusalOf(v)
	c.router.Tell(messages.Refused{Filter: filter, Kind: v.Kind.String(), Code: code, Reason: reason, Revision: f.want.Revision})
	if v.New {
		c.store.Tell(messages.Keep{Changes: []messages.Change{{Refusal: &messages.FilterRefusal{Filter: filter, Kind: v.Kind.String(), Code: v.Code}}}})
	}
}

// recalled takes in what the broker refused to earlier processes.
func (c *changes) recalled(refused []messages.FilterRefusal) { c.accepted(c.recall(refused)...) }

// accepted deletes the stored refusals of filters.
func (c *changes) accepted(filters ...string) {
	var changes []messages.Change
	for _, f := range filters {
		changes = append(changes, messages.Change{Accepted: f})
	}
	if len(changes) > 0 {
		c.store.Tell(messages.Keep{Changes: changes})
	}
}

// refusalOf says what a result means, as a reason code and in words.
func refusalOf(v reconcile.Result) (code byte, reason string) {
	switch v.Kind {
	case reconcile.Closed:
		return messages.ReasonUnspecified, "it closes the connection on a SUBSCRIBE of it"
	case reconcile.Silent:
		return messages.ReasonUnspecified, "it does not answer a SUBSCRIBE of it"
	case reconcile.Full:
		if v.Limit == 0 {
			return messages.ReasonUnspecified, "its session takes no more subscriptions"
		}
		return messages.ReasonUnspecified, fmt.Sprintf("its session takes no more than %d subscriptions, as it seems; this one is tried again when others go", v.Limit)
	default:
		return v.Code, messages.Reason(v.Code)
	}
}
