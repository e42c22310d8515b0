package routing

import (
	"strings"

	"chanmqttproxy/messages"
)

// served is what a table keeps of a target, for all its filters.
type served struct {
	target  messages.Target
	filters int                    // in how many it is
	alone   *[]messages.Subscriber // the target as the only subscriber, see Table.all; nil: it never was
}

// serve notes that a target is in one filter more, and returns it with the name that all share.
func (t *Table) serve(target messages.Target) messages.Target {
	s := t.targets[target]
	if s == nil {
		target.Name = strings.Clone(target.Name) // without the whole command
		s = &served{target: target}
		t.targets[target] = s
	}
	s.filters++
	return s.target
}

// named is a target with the name that all share, if it is in some filter: what is kept for long
// must not keep the whole command.
func (t *Table) named(target messages.Target) messages.Target {
	if s := t.targets[target]; s != nil {
		return s.target
	}
	return target
}

// share returns an earlier list with the target as the only subscriber, if the options are the
// same. Else it keeps this list and returns it.
func (s *served) share(list *[]messages.Subscriber) *[]messages.Subscriber {
	if s.alone == nil || (*s.alone)[0].Options != (*list)[0].Options {
		s.alone = list
	}
	return s.alone
}
