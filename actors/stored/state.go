package stored

import (
	"iter"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Key is one subscription of one target.
type Key struct {
	Filter string
	Target messages.Target
}

// State is what Redis is to hold, and the changes that make it so and are not written yet.
// Where there are several slots it is the changes alone: what they make is in the registry.
type State struct {
	several  bool
	epochs   []messages.Epoch
	wanted   map[Key]messages.Options
	leaving  map[string]bool
	refused  map[string]messages.FilterRefusal
	changes  []messages.Change
	receipts []messages.Receipt // of the commands that made them
}

// New is a state in which nothing is stored.
func New() *State {
	return &State{wanted: map[Key]messages.Options{}, leaving: map[string]bool{}, refused: map[string]messages.FilterRefusal{}}
}

// Restore takes in what Redis holds at the start.
func (s *State) Restore(m messages.Restored) {
	s.several, s.epochs = m.Several, m.Epochs
	for _, st := range m.Stored {
		s.wanted[Key{st.Filter, st.Target}] = st.Options
	}
	for _, f := range m.Leaving {
		s.leaving[f] = true
	}
	for _, r := range m.Refusals {
		s.refused[r.Filter] = r
	}
}

// Several says whether there are several slots.
func (s *State) Several() bool { return s.several }

// Keep notes changes, and the command that waits for them.
func (s *State) Keep(m messages.Keep) {
	for _, c := range m.Changes {
		s.note(c)
	}
	if m.Receipt != "" {
		s.receipts = append(s.receipts, m.Receipt)
	}
}

func (s *State) note(c messages.Change) {
	switch {
	case s.several && (c.Refusal != nil || c.Accepted != ""): // the status of the filter says so
		return
	case s.several:
	case c.Put != nil:
		s.wanted[Key{c.Put.Filter, c.Put.Target}] = c.Put.Options
		s.stays(wire(c.Put))
	case c.Remove != nil:
		delete(s.wanted, Key{c.Remove.Filter, c.Remove.Target})
	case c.Leaving != "":
		s.leaving[c.Leaving] = true
	case c.Refusal != nil:
		s.refused[c.Refusal.Filter] = *c.Refusal
	case c.Accepted != "":
		delete(s.refused, c.Accepted)
	}
	s.changes = append(s.changes, c)
}

// wire is the filter as the broker has it.
func wire(s *messages.Stored) string {
	if s.Options.Shared {
		return topic.Shared(s.Filter)
	}
	return s.Filter
}

// Gone notes that the broker has filters no more. Where there are several slots the registry
// says so by itself.
func (s *State) Gone(filters []string) {
	if s.several {
		return
	}
	for _, f := range filters {
		s.stays(f)
		if _, ok := s.refused[f]; ok {
			s.note(messages.Change{Accepted: f})
		}
	}
}

// stays takes the mark from a filter that it is leaving.
func (s *State) stays(filter string) {
	if s.leaving[filter] {
		delete(s.leaving, filter)
		s.changes = append(s.changes, messages.Change{Gone: filter})
	}
}

// Waiting says whether anything is to be written, or done.
func (s *State) Waiting() bool { return len(s.changes)+len(s.receipts) > 0 }

// Take hands out what is to be written, and the commands that are done then.
func (s *State) Take() ([]messages.Change, []messages.Receipt) {
	changes, receipts := s.changes, s.receipts
	s.changes, s.receipts = nil, nil
	return changes, receipts
}

// Again takes back what could not be written: it comes before what was noted since.
func (s *State) Again(changes []messages.Change, receipts []messages.Receipt) {
	s.changes, s.receipts = append(changes, s.changes...), append(receipts, s.receipts...)
}

// Len is how many entries Redis is to hold.
func (s *State) Len() int { return len(s.wanted) + len(s.leaving) + len(s.refused) }

// Info is the numbers of entries, and of changes that are not written.
func (s *State) Info() messages.StoreInfo {
	return messages.StoreInfo{Stored: len(s.wanted), Leaving: len(s.leaving), Unwritten: len(s.changes)}
}

// Keys are the subscriptions.
func (s *State) Keys() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for key := range s.wanted {
			if !yield(key) {
				return
			}
		}
	}
}

// All are the changes by which Redis holds all that it is to hold.
func (s *State) All() (changes []messages.Change) {
	for key, o := range s.wanted {
		changes = append(changes, messages.Change{Put: &messages.Stored{Filter: key.Filter, Target: key.Target, Options: o}})
	}
	for f := range s.leaving {
		changes = append(changes, messages.Change{Leaving: f})
	}
	for _, r := range s.refused {
		changes = append(changes, messages.Change{Refusal: &r})
	}
	if len(s.epochs) > 0 {
		changes = append(changes, messages.Change{Epochs: s.epochs})
	}
	return changes
}
