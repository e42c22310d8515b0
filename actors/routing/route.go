package routing

import (
	"slices"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Route is what is known of one filter, and its subscribers.
type Route struct {
	Filter  string
	Row     any                   // what the actor that owns the table keeps of it
	Desired messages.DesiredState // what the broker was asked for last; Revision 0: nothing
	Replies Replies               // of those who wait for the broker's answer

	Unasked     bool // the broker is not asked for the filter, since another slot is
	Held        bool // what comes is kept, until another slot has handed over what it has
	Shared      bool // the broker has it as a shared subscription: see Wire
	static      bool // has subscribers that stay
	identifier  uint32
	rare        *rare // nil: there is nothing in it
	subscribers placement.Targets[subscriber]
	everybody   *[]messages.Subscriber // subscribers in a form to send; nil: to be made
}

// rare is what few routes have. It is apart, to save memory.
type rare struct {
	slot       Slot
	recipients map[messages.Target]uint64 // revision of the last, see messages.SendRetained; nil: there was none
}

// few makes room for what few routes have.
func (r *Route) few() *rare {
	if r.rare == nil {
		r.rare = &rare{}
	}
	return r.rare
}

// recipients are those of retained messages, and the revision of the last of each.
func (r *Route) recipients() map[messages.Target]uint64 {
	if r.rare == nil {
		return nil
	}
	return r.rare.recipients
}

// subscriber is what a route knows of one target of its filter.
type subscriber struct {
	options messages.Options
	order   uint64 // the lower, the older
	asked   int64  // when it was last asked for: see Table.time
	static  bool   // it stays, since the configuration wants it
	command bool   // a command wants it
}

// join adds a subscriber, or changes its options, and says whether that changed
// anything of what is to be stored if a command wants it.
func (r *Route) join(target messages.Target, options messages.Options, order uint64, asked int64) bool {
	old, known := r.subscribers.Get(target)
	joined := subscriber{options: options, order: order, asked: asked}
	if known {
		joined.order, joined.static, joined.command = old.order, old.static, old.command
	}
	r.subscribers.Set(target, joined)
	if known && old.options == options && old.command {
		return false
	}
	r.everybody = nil
	return true
}

// Wire is the filter as the broker has it.
func (r *Route) Wire() string {
	if r.Shared {
		return topic.Shared(r.Filter)
	}
	return r.Filter
}

// served says whether a new subscriber is served by what the broker was asked for,
// without looking at all the others.
func (r *Route) served(options messages.Options) bool {
	return r.Desired.Revision > 0 && options.QoS <= r.Desired.QoS && options.NoLocal == r.Desired.NoLocal
}

// fix makes a subscriber stay.
func (r *Route) fix(target messages.Target) {
	s, _ := r.subscribers.Get(target)
	s.static = true
	r.subscribers.Set(target, s)
	r.static = true
}

// serves says whether all targets of a command are subscribers already, with its options.
func (r *Route) serves(s messages.SubscribeCommand) bool {
	return !slices.ContainsFunc(s.Targets, func(t messages.Target) bool {
		old, known := r.subscribers.Get(t)
		return !known || old.options != s.Options
	})
}

// commanded notes whether a command wants the subscriber.
func (r *Route) commanded(target messages.Target, by bool) {
	if s, known := r.subscribers.Get(target); known {
		s.command = by
		r.subscribers.Set(target, s)
	}
}

// free lets all subscribers go that stay, unless they are fixed again.
func (r *Route) free() {
	r.static = false
	for target, s := range r.subscribers.Each {
		s.static = false
		r.subscribers.Set(target, s)
	}
}

// unwanted are the subscribers that nothing wants any more; where commands may not want the
// filter, also those that only they want.
func (r *Route) unwanted(denied bool) (left []messages.Target) {
	for target, s := range r.subscribers.Each {
		if !s.static && (denied || !s.command) {
			left = append(left, target)
		}
	}
	return left
}

// Has says whether a target is a subscriber.
func (r *Route) Has(target messages.Target) bool { return r.subscribers.Has(target) }

// Options are those of a subscriber.
func (r *Route) Options(target messages.Target) messages.Options {
	s, _ := r.subscribers.Get(target)
	return s.options
}

// isFixed says whether a subscriber is one of those that stay.
func (r *Route) isFixed(target messages.Target) bool {
	s, _ := r.subscribers.Get(target)
	return s.static
}

// waits notes the revision of a target's last recipient of retained messages.
func (r *Route) waits(target messages.Target, revision uint64) {
	f := r.few()
	if f.recipients == nil {
		f.recipients = map[messages.Target]uint64{}
	}
	f.recipients[target] = revision
}

func (r *Route) leave(target messages.Target) {
	r.subscribers.Remove(target)
	delete(r.recipients(), target)
	r.everybody = nil
}

// Needed is what the subscribers need of the broker together: the highest QoS, and
// no local messages only if nobody wants them.
func (r *Route) Needed() messages.DesiredState {
	want := messages.DesiredState{NoLocal: true}
	for _, s := range r.subscribers.Each {
		want.QoS = max(want.QoS, s.options.QoS)
		want.NoLocal = want.NoLocal && s.options.NoLocal
	}
	return want
}

// Targets are those of all subscribers.
func (r *Route) Targets() (list []messages.Target) {
	for target := range r.subscribers.Each {
		list = append(list, target)
	}
	return list
}

// Still are those of a list that the route still has. Their At is nil, since they may have
// another actor by now.
func (r *Route) Still(subscribers []messages.Subscriber) (list []messages.Subscriber) {
	for _, s := range subscribers {
		if r.Has(s.Target) {
			s.At = nil
			list = append(list, s)
		}
	}
	return list
}

// Missing are the subscribers of a route, or the one that is named, that the registry does not
// have.
func (r *Route) Missing(i placement.Item, registered []messages.Subscriber) (gone []messages.Target) {
	if !i.Whole() {
		if len(registered) == 0 && r.Has(i.Target) {
			gone = append(gone, i.Target)
		}
		return gone
	}
	stay := map[messages.Target]bool{}
	for _, s := range registered {
		stay[s.Target] = true
	}
	for target := range r.subscribers.Each {
		if !stay[target] {
			gone = append(gone, target)
		}
	}
	return gone
}
