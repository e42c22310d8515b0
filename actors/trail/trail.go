// Package trail collects what happens to messages that are followed, for those who decide
// and write nothing down themselves. The actor that has them decide notes it.
package trail

import "chanmqttproxy/messages"

// Step is something that happened to a message.
type Step struct {
	Trace      uint64
	What, Text string // as in messages.Step; "": only Waiting changes
	Waiting    int    // in how many more places the message waits, though it is settled
}

// Trail is what has happened and is not noted yet, the oldest first.
type Trail struct{ steps []Step }

// Add adds a step of a message, if it is followed.
func (t *Trail) Add(m *messages.Message, what, text string) {
	if m != nil && m.Trace != 0 {
		t.steps = append(t.steps, Step{Trace: m.Trace, What: what, Text: text})
	}
}

// Wait says that a message, if it is followed, waits in so many more places.
func (t *Trail) Wait(m *messages.Message, more int) {
	if m.Trace != 0 {
		t.steps = append(t.steps, Step{Trace: m.Trace, Waiting: more})
	}
}

// Take returns the steps, which are the caller's from then on.
func (t *Trail) Take() []Step {
	steps := t.steps
	t.steps = nil
	return steps
}
