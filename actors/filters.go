package actors

import (
	"iter"
	"time"

	"chanmqttproxy/actors/reconcile"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// filters are the subscriptions that the MQTT broker should have, and those that it may
// have. The plan knows which to ask for next. Those to unsubscribe from wait in changes.
type filters struct {
	byName  map[string]*filterState
	plan    *reconcile.Plan
	leaving topic.Trie[filterState] // that nobody wants any more
	changes []*filterState
}

// filterState is what is wanted of one filter and what the broker knows of it.
type filterState struct {
	reconcile.Entry
	want     messages.DesiredState
	wanted   bool              // want counts
	asked    bool              // the broker has, or may have, a subscription for it
	queued   bool              // stands in filters.changes
	pausing  bool              // waits for retainedPause to be over
	retained *retainedRequests // nil: its retained messages were never asked for
}

// retainedRequests are the requests for the retained messages of a filter.
type retainedRequests struct {
	// Revisions of those that the broker granted, and of those that have come in whole.
	granted, complete uint64
	asked             int64 // when the last was asked for: see arrival; 0: none was
}

// retainedAsked returns them, and makes them if there are none yet.
func (f *filterState) retainedAsked() *retainedRequests {
	if f.retained == nil {
		f.retained = &retainedRequests{}
	}
	return f.retained
}

// retainedPause is the least time between two requests for the retained messages of one
// filter: recipients that come in a stream share them.
const retainedPause = 250 * time.Millisecond

func newFilters(batch int) filters {
	return filters{byName: map[string]*filterState{}, plan: reconcile.New(batch)}
}

func newFilterState(filter string) *filterState {
	return &filterState{Entry: reconcile.Entry{Filter: filter}}
}

func (fs *filters) len() int { return len(fs.byName) }

// desired notes that a filter is wanted, or wanted with other options. If asking for it has
// to wait, it returns for how long: due must be called then.
func (fs *filters) desired(w messages.Desired) (pause time.Duration) {
	f, ok := fs.byName[w.Filter]
	if !ok {
		f = newFilterState(w.Filter)
		fs.byName[w.Filter] = f
	}
	if !f.wanted {
		fs.leaving.Delete(topic.Unshared(w.Filter))
		w.Overlaps = w.Overlaps || len(fs.leaving.Overlapping(topic.Unshared(w.Filter), nil)) > 0
	}
	w.Overlaps = w.Overlaps || f.want.Overlaps
	marked := w.Overlaps != f.want.Overlaps // it must be subscribed before the filter that overlaps it
	anew := w.Revision > f.want.Revision
	f.want, f.wanted = w.State(), true
	if f.Refused() && !anew { // nobody asks for it again
		return 0
	}
	if f.retained != nil && f.retained.asked != 0 {
		pause = retainedPause - time.Duration(arrival(time.Now())-f.retained.asked)
	}
	if pause <= 0 || marked || f.Waits() {
		fs.plan.Ask(&f.Entry, time.Now())
		return 0
	}
	if f.pausing {
		return 0
	}
	f.pausing = true
	return pause
}

// due ends the pause of a filter.
func (fs *filters) due(filter string) {
	if f, ok := fs.byName[filter]; ok && f.pausing {
		f.pausing = false
		if f.wanted {
			fs.plan.Ask(&f.Entry, time.Now())
		}
	}
}

// answered notes a Desired that the broker has answered.
func (fs *filters) answered(w messages.Desired) {
	if f, ok := fs.byName[w.Filter]; ok && w.Retained {
		r := f.retainedAsked()
		r.granted = max(r.granted, w.RetainedRevision)
	}
}

// retainedComplete notes that all retained messages have come that Desireds of the filter up
// to that revision asked for.
func (fs *filters) retainedComplete(filter string, revision uint64) {
	if f, ok := fs.byName[filter]; ok {
		r := f.retainedAsked()
		r.complete = max(r.complete, revision)
		r.granted = max(r.granted, revision)
	}
}

// lost notes the end of a connection, and returns the filters whose retained messages may
// have come in part only. They are asked for again.
func (fs *filters) lost() (interrupted []string) {
	for name, f := range fs.byName {
		if r := f.retained; r != nil && r.granted > r.complete {
			r.granted = r.complete
			interrupted = append(interrupted, name)
		}
	}
	return interrupted
}

// undesired notes that a filter is no longer wanted.
func (fs *filters) undesired(filter string) {
	if f, ok := fs.byName[filter]; ok {
		f.wanted = false
		fs.plan.Drop(&f.Entry)
		fs.leaving.Set(topic.Unshared(filter), f)
		fs.queue(f)
	}
}

// leave notes that the broker may have a filter that nobody wants.
func (fs *filters) leave(filter string) {
	if _, ok := fs.byName[filter]; ok {
		return
	}
	f := newFilterState(filter)
	f.asked = true
	fs.byName[filter] = f
	fs.plan.Drop(&f.Entry)
	fs.leaving.Set(topic.Unshared(filter), f)
	fs.queue(f)
}

// connected asks for all filters on a new connection, and unsubscribes again from those that
// nobody wants. A session that the broker has kept may have any of them.
func (fs *filters) connected(info messages.Connack) {
	fs.plan.Connected(info.Broker, info.Present, fs.entries(), time.Now())
	for _, f := range fs.byName {
		f.asked = f.asked || info.Present && !f.Refused()
		if !f.wanted {
			fs.queue(f)
		}
	}
}

func (fs *filters) entries() iter.Seq[*reconcile.Entry] {
	return func(yield func(*reconcile.Entry) bool) {
		for _, f := range fs.byName {
			if !yield(&f.Entry) {
				return
			}
		}
	}
}

// recall notes what the broker refused to earlier processes, and returns those of the
// filters that nobody wants.
func (fs *filters) recall(refused []messages.FilterRefusal) (unwanted []string) {
	for _, r := range refused {
		if f, ok := fs.byName[r.Filter]; ok && f.wanted {
			fs.plan.Recall(&f.Entry, reconcile.KindOf(r.Kind), r.Code, time.Now())
		} else {
			unwanted = append(unwanted, r.Filter)
		}
	}
	return unwanted
}

func (fs *filters) queue(f *filterState) {
	if !f.queued {
		f.queued = true
		fs.changes = append(fs.changes, f)
	}
}

// wants is what a request asks for.
func (fs *filters) wants(r reconcile.Request) (wants []messages.Desired) {
	for _, e := range r.Entries {
		f := fs.byName[e.Filter]
		f.asked = true
		wants = append(wants, f.request())
	}
	return wants
}

// takeUnwanted takes up to n filters out of changes: those to unsubscribe from, and those
// that the broker does not have.
func (fs *filters) takeUnwanted(n int) (unwanted, unknown []string) {
	n = min(n, len(fs.changes))
	for _, f := range fs.changes[:n] {
		f.queued = false
		switch {
		case f.wanted: // again
		case f.asked:
			unwanted = append(unwanted, f.Filter)
		default:
			unknown = append(unknown, f.Filter)
			fs.forget(f)
		}
	}
	fs.changes = fs.changes[n:]
	return unwanted, unknown
}

// request is what is wanted of a filter at this moment.
func (f *filterState) request() messages.Desired {
	w := f.want.Of(f.Filter)
	if w.RetainedRevision == 0 {
		return w
	}
	r := f.retainedAsked()
	if w.Retained = w.RetainedRevision > r.granted; w.Retained {
		r.asked = arrival(time.Now())
	}
	return w
}

// gone notes that the broker has no subscription for these filters any more, and returns
// those that are still not wanted.
func (fs *filters) gone(names []string) (unwanted []string) {
	for _, name := range names {
		f, ok := fs.byName[name]
		switch {
		case !ok:
			unwanted = append(unwanted, name)
			continue
		case !f.wanted:
			unwanted = append(unwanted, name)
			if !f.queued {
				fs.forget(f)
			}
		}
		f.asked = false
		fs.plan.Gone(&f.Entry)
	}
	return unwanted
}

func (fs *filters) forget(f *filterState) {
	delete(fs.byName, f.Filter)
	fs.leaving.Delete(topic.Unshared(f.Filter))
}
