package actors

import (
	"iter"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// places know which session slot is to have a subscription: that of its filter, or the
// first, by which all is published, where the target wants nothing of what the worker
// itself publishes.
//
// When the layout changes, filters move. The slot in which one is moving has the new
// place subscribe first, and gives it up when the broker has granted it there. Until all
// have moved commands go by way of the old place: it carries out what concerns a filter
// that it still has, and has that follow; so they cannot overtake each other.
type places struct {
	*dependencies
	layout messages.Layout
	moving int  // subscriptions here that belong elsewhere
	again  bool // moveAgain will come
}

// moveAgain comes when those are to be moved again that have not been answered.
type moveAgain struct{}

// movePatience is how long another slot may take to take a subscription over.
const movePatience = 10 * time.Second

func newPlaces(deps *dependencies) places { return places{dependencies: deps, layout: deps.Layout} }

// of is the slot in which a subscription belongs.
func (p *places) of(filter string, o messages.Options) int {
	switch {
	case o.NoLocal || o.Shared && p.Slot >= p.layout.Sessions:
		return 0
	case o.Shared:
		return p.Slot
	}
	return topic.Slot(filter, p.layout.Sessions)
}

// way is where a command about a filter goes from here, to be carried out or to be
// sent on. Has says whether what has its place by the filter is subscribed to here.
func (p *places) way(filter string, has func() bool) int {
	now := topic.Slot(filter, p.layout.Sessions)
	if p.layout.Before == 0 {
		return now
	}
	before := topic.Slot(filter, p.layout.Before)
	if before == now || p.Slot == before && !has() {
		return now
	}
	return before
}

// others are the slots but the first, which has all that they are to have as well.
func (p *places) others() iter.Seq[int] {
	return func(yield func(int) bool) {
		for slot := 1; p.Slot == 0 && slot < p.layout.Sessions && yield(slot); slot++ {
		}
	}
}

// several says whether there is more than one slot.
func (p *places) several() bool { return max(p.layout.Sessions, p.layout.Before) > 1 }

// wireOf is a filter as the broker has it.
func wireOf(filter string, o messages.Options) string {
	if o.Shared {
		return topic.Shared(filter)
	}
	return filter
}

// tell puts a command into the queue of another slot, behind those told before.
func (p *places) tell(slot int, body messages.Map) {
	p.groups.Tell(messages.Deliver{
		Target: messages.Target{Kind: messages.Channel, Name: p.SlotChannel(slot)},
		Event:  messages.Event{Message: &messages.Message{QoS: 1, At: time.Now()}, Body: body},
	})
}

// move asks the slots in which the members of a route belong to take them over, those
// that were asked before only when that is long ago.
func (p *places) move(to *route, now time.Time) {
	for target, m := range to.members {
		if p.of(to.filter, m.options) == p.Slot || !m.moving.IsZero() && now.Sub(m.moving) < movePatience {
			continue
		}
		if m.moving.IsZero() {
			p.count(1)
		}
		m.moving = now
		to.members[target] = m
		p.ask(to.filter, target, m.options)
	}
}

// left notes that a member has left its route.
func (p *places) left(m membership) {
	if !m.moving.IsZero() {
		p.count(-1)
	}
}

func (p *places) count(n int) {
	p.moving += n
	p.health.moving.Store(int64(p.moving))
}

// ask asks the slot in which a subscription belongs to take it over.
func (p *places) ask(filter string, target messages.Target, o messages.Options) {
	body := append(messages.Map{{Key: "type", Value: "mqtt.subscribe"}}, about(filter, []messages.Target{target})...)
	body = append(body, p.options(o)...)
	p.tell(p.of(filter, o), append(body,
		messages.Pair{Key: "reply_channel", Value: p.SlotChannel(p.Slot)},
		messages.Pair{Key: "id", Value: messages.MovingID},
	))
}

// share has all other slots hold a filter as well.
func (p *places) share(filter string, target messages.Target, o messages.Options) {
	for slot := range p.others() {
		body := append(messages.Map{{Key: "type", Value: "mqtt.subscribe"}}, about(filter, []messages.Target{target})...)
		p.tell(slot, append(body, p.options(o)...))
	}
}

// options are those of a command.
func (p *places) options(o messages.Options) messages.Map {
	return messages.Map{
		{Key: "qos", Value: int64(o.QoS)},
		{Key: "no_local", Value: o.NoLocal},
		{Key: "payload", Value: o.Payload.String()},
		{Key: "overflow", Value: o.Overflow.String()},
		{Key: "batch", Value: int64(max(1, o.Batch))},
		{Key: "min_interval", Value: o.MinInterval.Seconds()},
		{Key: "shared", Value: o.Shared},
	}
}

// giveUp has another slot end a subscription.
func (p *places) giveUp(slot int, filter string, target messages.Target) {
	p.tell(slot, append(messages.Map{{Key: "type", Value: "mqtt.unsubscribe"}}, about(filter, []messages.Target{target})...))
}
