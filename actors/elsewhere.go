package actors

import (
	"slices"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// elsewhere knows what the session slots below this one serve. A target that several
// filters match, in several slots, gets a message from the lowest of these slots alone.
//
// What moves between slots, has its place in the first one or in all counts nowhere: such
// a target may get a message twice rather than never.
type elsewhere struct {
	trie  topic.Trie[*abroad]
	found []*abroad // scratch space
}

// abroad is one filter as other slots serve it.
type abroad struct {
	filter  string
	targets map[messages.Target][]int // to the slots
}

// learn takes in what another slot says.
func (e *elsewhere) learn(m messages.Elsewhere) {
	if m.All {
		e.forget(m.Slot)
	}
	for _, s := range m.Put {
		if s.Granted && !s.Options.NoLocal && !s.Options.Shared {
			e.put(m.Slot, s)
		} else {
			e.gone(m.Slot, s)
		}
	}
	for _, s := range m.Gone {
		e.gone(m.Slot, s)
	}
}

func (e *elsewhere) put(slot int, s messages.Stored) {
	f, ok := e.trie.Get(s.Filter)
	if !ok {
		f = &abroad{filter: s.Filter, targets: map[messages.Target][]int{}}
		e.trie.Set(s.Filter, f)
	}
	if !slices.Contains(f.targets[s.Target], slot) {
		f.targets[s.Target] = append(f.targets[s.Target], slot)
	}
}

func (e *elsewhere) gone(slot int, s messages.Stored) {
	if f, ok := e.trie.Get(s.Filter); ok {
		e.drop(f, slot, s.Target)
	}
}

func (e *elsewhere) drop(f *abroad, slot int, target messages.Target) {
	left := slices.DeleteFunc(f.targets[target], func(s int) bool { return s == slot })
	if f.targets[target] = left; len(left) == 0 {
		delete(f.targets, target)
	}
	if len(f.targets) == 0 {
		e.trie.Delete(f.filter)
	}
}

// forget drops all that a slot serves.
func (e *elsewhere) forget(slot int) {
	var all []*abroad
	e.trie.Each(func(f *abroad) { all = append(all, f) })
	for _, f := range all {
		for target := range f.targets {
			e.drop(f, slot, target)
		}
	}
}

// rest are those of the members of a filter here who do not get a message of that topic
// from another slot.
func (e *elsewhere) rest(name, filter string, members []messages.Member) []messages.Member {
	if e.trie.Len() == 0 {
		return members
	}
	e.found = e.trie.Match(name, e.found[:0])
	served := func(m messages.Member) bool {
		return slices.ContainsFunc(e.found, func(f *abroad) bool { return f.filter != filter && len(f.targets[m.Target]) > 0 })
	}
	if !slices.ContainsFunc(members, served) {
		return members
	}
	return slices.DeleteFunc(slices.Clone(members), served) // they are the route's own
}
