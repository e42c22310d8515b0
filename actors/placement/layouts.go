package placement

import (
	"slices"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// First are the layouts that count for a holder of the first slot who finds those in Redis,
// and whether there are several slots by them, or are to be. Where none is in Redis the
// leases know by which one the sessions have what they have.
func First(found []messages.Epoch, l messages.Layout) (epochs []messages.Epoch, several bool) {
	if epochs = found; len(epochs) == 0 {
		former := l.Before
		if former == 0 {
			former = l.Sessions
		}
		epochs = []messages.Epoch{{Number: 1, Sessions: max(1, former)}}
	}
	return epochs, l.Sessions > 1 || slices.ContainsFunc(epochs, func(e messages.Epoch) bool { return e.Sessions > 1 })
}

// Layouts are the layouts that count where filters are to be spread over so many slots, if
// they are others than those that are known. The next layout waits until all has moved: so a
// filter has one owner and one former owner at most. It also waits until of all that the
// registry held when this holder of the first slot began the owners have said that they have
// it: a slot that was the only one, or an older worker's, has said nothing, and a former owner
// that has not said so delivers nothing of what waits in its session.
func (c *Commands) Layouts(sessions int) (epochs []messages.Epoch, changed bool) {
	v := c.view
	if !v.Loaded() {
		return nil, false
	}
	if epochs = v.epochs; len(epochs) > 1 {
		if !v.Settled() {
			return nil, false
		}
		epochs, changed = epochs[len(epochs)-1:], true
	}
	if e := v.Epoch(); e.Sessions != sessions && v.answered(c.began) {
		return append(slices.Clip(epochs), messages.Epoch{Number: e.Number + 1, Sessions: sessions}), true
	}
	return epochs, changed
}

// answered says whether the owners have said of all changes up to that one what they have.
func (v *View) answered(number uint64) bool {
	all := true
	v.filters.Each(func(f *Filter) { all = all && v.answeredOf(f, number) })
	return all
}

func (v *View) answeredOf(f *Filter, number uint64) bool {
	asked := uint64(0)
	for _, s := range f.subscribers.Each {
		if s.since <= number && (s.Shared || !s.NoLocal) {
			asked = max(asked, s.since)
		}
	}
	if asked == 0 {
		return true
	}
	owners := []int{v.owner(f)}
	if topic.IsShared(f.wire) {
		owners = owners[:0]
		for slot := range v.Epoch().Sessions {
			owners = append(owners, slot)
		}
	}
	return !slices.ContainsFunc(owners, func(slot int) bool {
		at := f.at(slot)
		return at == nil || at.Left > 0 || at.Number < asked || !at.Granted && at.Refusal.Kind == ""
	})
}
