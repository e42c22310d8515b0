package placement

import (
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Recipients are those that wait for the retained messages of a filter.
func (v *View) Recipients(wire string) (list []messages.Recipient) {
	if f, ok := v.filters.Get(wire); ok {
		for _, n := range f.recipients {
			list = append(list, n.Recipient)
		}
	}
	return list
}

// Asked is the number of the last change by which somebody asks for a filter.
func (v *View) Asked(wire string) uint64 {
	if f, ok := v.filters.Get(wire); ok {
		return f.number
	}
	return 0
}

// AskedBy is the number of the last change by which a target asks for a filter; 0: it does
// not. Asked may be more: in a View that has seen others come and go meanwhile.
func (v *View) AskedBy(i Item) uint64 {
	if f, ok := v.filters.Get(i.Wire); ok {
		s, _ := f.subscribers.Get(i.Target)
		return s.number
	}
	return 0
}

// Answer is the broker's answer to the slot that serves a target with those options. It counts
// only if it covers the change of that number (see AskedBy). Shared filters are answered by the
// first slot. While filters move there is none before every slot acts by the newest layout: one
// that does not know it may still subscribe by the old one, and deliver newer messages than the
// owner holds back.
func (v *View) Answer(wire string, o messages.Options, number uint64) (s messages.FilterStatus, ok bool) {
	f, known := v.filters.Get(wire)
	if !known || len(v.epochs) > 1 && !v.agreed() {
		return s, false
	}
	slot := 0
	if !o.Shared && !o.NoLocal {
		slot = v.owner(f)
	}
	at := f.at(slot)
	if at == nil || at.Left > 0 || at.Number < number || !at.Granted && at.Refusal.Kind == "" {
		return s, false
	}
	return at.FilterStatus, true
}

// Stored is what the registry holds of a target of a filter, if it does.
func (v *View) Stored(i Item) (s messages.Stored, ok bool) {
	f, known := v.filters.Get(i.Wire)
	if !known {
		return s, false
	}
	found, ok := f.subscribers.Get(i.Target)
	return f.stored(i.Target, found), ok
}

// Wanted is that, if the target is to stay.
func (v *View) Wanted(i Item) (s messages.Stored, ok bool) {
	s, ok = v.Stored(i)
	return s, ok && !s.Ending
}

// Leaving says whether nobody wants a filter any more that may be in a session.
func (v *View) Leaving(wire string) bool {
	f, ok := v.filters.Get(wire)
	return ok && f.leaving > 0
}

// Refusals are what a slot says that the broker refuses.
func (v *View) Refusals(slot int) (list []messages.FilterRefusal) {
	v.filters.Each(func(f *Filter) {
		if at := f.at(slot); at != nil && at.Refusal.Kind != "" {
			list = append(list, at.Refusal)
		}
	})
	return list
}

// All is for range: all that the registry wants.
func (v *View) All(yield func(messages.Stored) bool) {
	goOn := true
	v.filters.Each(func(f *Filter) {
		for target, s := range f.subscribers.Each {
			goOn = goOn && (s.ending || yield(f.stored(target, s)))
		}
	})
}

func (f *Filter) stored(target messages.Target, s subscriber) messages.Stored {
	return messages.Stored{Filter: topic.Unshared(f.wire), Target: target, Options: s.Options, Static: s.static, Unasked: s.unasked, Since: s.since, Ending: s.ending}
}

// Registry are the changes that make a registry that was lost what it is here.
func (v *View) Registry() (changes []messages.Change) {
	changes = append(changes, messages.Change{Epochs: v.epochs})
	v.filters.Each(func(f *Filter) {
		for target, s := range f.subscribers.Each {
			stored := f.stored(target, s)
			changes = append(changes, messages.Change{Put: &stored})
		}
		if f.leaving > 0 {
			changes = append(changes, messages.Change{Leaving: f.wire})
		}
		for _, n := range f.recipients {
			changes = append(changes, messages.Change{Recipient: &n.Recipient})
		}
	})
	return changes
}

// Statuses are the changes that make a status that was lost what it is here.
func (v *View) Statuses(slot int) (changes []messages.Change) {
	status := v.Status(slot)
	changes = append(changes, messages.Change{Status: &status})
	v.filters.Each(func(f *Filter) {
		if at := f.at(slot); at != nil {
			s := at.FilterStatus
			changes = append(changes, messages.Change{Filter: &s})
		}
	})
	return changes
}

// over are the changes by which the registry forgets what is over: a filter that no slot has
// any more, and recipients whose slot has answered.
func (v *View) over(items []Item) (changes []messages.Change) {
	for _, i := range items {
		f, ok := v.filters.Get(i.Wire)
		if !ok || !i.Whole() {
			continue
		}
		if v.Gone(i.Wire) {
			changes = append(changes, messages.Change{Gone: i.Wire})
		}
		at := f.at(v.owner(f))
		for _, n := range f.recipients {
			if at != nil && at.Left == 0 && at.Number >= n.Number {
				changes = append(changes, messages.Change{RetainedComplete: &n.Recipient})
			}
		}
	}
	return changes
}
