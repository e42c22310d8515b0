package actors

import "chanmqttproxy/messages"

// repair are the changes that make of what was found in Redis what it is to hold: what is
// missing there, or is not as it should be, is written. What it has beyond that stays:
// it may be another version's.
func repair(want, found messages.Restored) (changes []messages.Change) {
	stored := setOf(found.Stored, func(s messages.Stored) messages.Stored { return s })
	for _, s := range want.Stored {
		if !stored[s] {
			changes = append(changes, messages.Change{Put: &s})
		}
	}
	leaving := setOf(found.Leaving, func(filter string) string { return filter })
	for _, f := range want.Leaving {
		if !leaving[f] {
			changes = append(changes, messages.Change{Leaving: f})
		}
	}
	refused := setOf(found.Refused, func(r messages.FilterRefusal) string { return r.Filter })
	for _, r := range want.Refused {
		if !refused[r.Filter] {
			changes = append(changes, messages.Change{Refusal: &r})
		}
	}
	return changes
}

func setOf[T any, K comparable](list []T, key func(T) K) map[K]bool {
	set := make(map[K]bool, len(list))
	for _, e := range list {
		set[key(e)] = true
	}
	return set
}
