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
// When the layout changes, filters move. Commands go to the new place from then on. The
// old one has the new one subscribe first, and gives a filter up when the broker has
// granted it there. What is said of a subscription at its new place is newer than what
// comes from the old one: who has subscribed there already stays as he is, and who has
// unsubscribed does not come back. For a moment both have it: a message may come twice; and
// what still waits in the old slot, because its holder has changed just then, may come after
// newer messages from the new one.
type places struct {
	*dependencies
	layout messages.Layout
	moving int                // subscriptions here that belong elsewhere
	again  bool               // moveAgain will come
	soon   bool               // moveSoon will come
	gone   map[storedKey]bool // unsubscribed here, while they may be on their way
}

// moveAgain comes when those are to be moved again that have not been answered.
type moveAgain struct{}

// moveSoon comes when the layout is likely to be known of where those were sent that
// came back.
type moveSoon struct{}

const (
	// movePatience is how long another slot may take to take a subscription over.
	movePatience = 10 * time.Second
	// movePause is how long it may take to know of a layout.
	movePause = 500 * time.Millisecond
)

func newPlaces(deps *dependencies) places {
	return places{dependencies: deps, layout: deps.Layout, gone: map[storedKey]bool{}}
}

// relaid takes another layout in.
func (p *places) relaid(l messages.Layout) {
	if p.layout = l; l.Before == 0 {
		clear(p.gone)
	}
}

// of is the slot in which a subscription belongs.
func (p *places) of(filter string, o messages.Options) int {
	switch {
	case p.Slot == messages.StreamSlot:
		return p.Slot
	case o.NoLocal || o.Shared && p.Slot >= p.layout.Sessions:
		return 0
	case o.Shared:
		return p.Slot
	}
	return topic.Slot(filter, p.layout.Sessions)
}

// before is the slot in which a filter may still be, and from which it moves here.
func (p *places) before(filter string) (slot int, moves bool) {
	if p.layout.Before == 0 || topic.Slot(filter, p.layout.Sessions) != p.Slot {
		return 0, false
	}
	slot = topic.Slot(filter, p.layout.Before)
	return slot, slot != p.Slot
}

// end has what may be on its way here not come.
func (p *places) end(filter string, targets []messages.Target) {
	slot, moves := p.before(filter)
	if !moves {
		return
	}
	for _, target := range targets {
		p.gone[storedKey{filter, target}] = true
		p.giveUp(slot, filter, target)
	}
}

// begin undoes end.
func (p *places) begin(filter string, targets []messages.Target) {
	for _, target := range targets {
		delete(p.gone, storedKey{filter, target})
	}
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
	for target, m := range to.members.each {
		if p.of(to.filter, m.options) == p.Slot || m.moving != 0 && arrival(now)-m.moving < int64(movePatience) {
			continue
		}
		if m.moving == 0 {
			p.count(1)
		}
		m.moving = arrival(now)
		to.members.set(target, m)
		p.ask(to.filter, target, m.options)
	}
}

// left notes that a member has left its route.
func (p *places) left(m membership) {
	if m.moving != 0 {
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

// giveUp has another slot end a subscription, wherever it has its place.
func (p *places) giveUp(slot int, filter string, target messages.Target) {
	body := append(messages.Map{{Key: "type", Value: "mqtt.unsubscribe"}}, about(filter, []messages.Target{target})...)
	p.tell(slot, append(body, messages.Pair{Key: "id", Value: messages.MovingID}))
}
