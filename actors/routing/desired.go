package routing

import (
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// want asks the broker for what the subscribers of a filter need, if that has changed, or
// if they need the retained messages.
func (t *Table) want(e *Effects, r *Route, retained bool) {
	if r.Unasked {
		return
	}
	want := r.Needed()
	want.Revision, want.RetainedRevision, want.Overlaps = r.Desired.Revision, r.Desired.RetainedRevision, r.Desired.Overlaps
	if want != r.Desired || r.Desired.Revision == 0 || retained {
		t.request(e, r, want, retained)
	}
}

// request asks the broker for a filter, also once more.
func (t *Table) request(e *Effects, r *Route, want messages.DesiredState, retained bool) {
	t.revision++
	want.Revision = t.revision
	if retained {
		want.RetainedRevision = t.revision
	}
	r.Desired = want
	e.Session = append(e.Session, want.Of(r.Wire()))
}

// AskAgain asks the broker for a filter once more, though it has refused it or was not
// to be asked.
func (t *Table) AskAgain(e *Effects, r *Route) {
	want := r.Needed()
	want.Overlaps, want.RetainedRevision = r.Desired.Overlaps, r.Desired.RetainedRevision
	t.request(e, r, want, false)
}

// WantResponses asks the broker for the filter of the responses to requests.
func (t *Table) WantResponses(e *Effects, want messages.Desired) {
	t.responses = messages.Desired{} // it does not overlap itself
	want.Overlaps = t.overlaps(e, want.Filter)
	t.responses = want
	e.Session = append(e.Session, want)
}

// overlaps says whether a filter that is about to be asked for overlaps others. Those are
// asked for again, if need be, before it: from the start the copies that a broker sends
// can be told apart.
func (t *Table) overlaps(e *Effects, filter string) bool {
	others := t.trie.Overlapping(filter, nil)
	for _, r := range others {
		if !r.Desired.Overlaps {
			r.Desired.Overlaps = true
			if r.Desired.Revision > 0 {
				e.Session = append(e.Session, r.Desired.Of(r.Wire()))
			}
		}
	}
	responses := t.responses.Filter != "" && topic.Overlap(filter, t.responses.Filter)
	if responses && !t.responses.Overlaps {
		t.responses.Overlaps = true
		e.Session = append(e.Session, t.responses)
	}
	return responses || len(others) > 0
}
