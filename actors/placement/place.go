package placement

import (
	"math"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Epoch is the newest layout; its Number is 0 where none is known.
func (v *View) Epoch() messages.Epoch {
	if len(v.epochs) == 0 {
		return messages.Epoch{}
	}
	return v.epochs[len(v.epochs)-1]
}

// Epochs are the layouts that still count, the newest last.
func (v *View) Epochs() []messages.Epoch { return v.epochs }

// Slots is how many slots there are by the layouts that still count.
func (v *View) Slots() (n int) {
	for _, e := range v.epochs {
		n = max(n, e.Sessions)
	}
	return n
}

// Status is what a slot says of itself.
func (v *View) Status(slot int) messages.SlotStatus {
	if i := index(slot); i < len(v.tables) {
		return v.tables[i].status
	}
	return messages.SlotStatus{}
}

// Settled says whether every slot has left what the newest layout gives to others, and
// whether those that are no more have left all.
func (v *View) Settled() bool {
	for slot := range v.Slots() {
		if v.Status(slot).Left < v.Epoch().Number {
			return false
		}
	}
	return true
}

// agreed says whether every slot acts by the newest layout.
func (v *View) agreed() bool {
	for slot := range v.Slots() {
		if v.Status(slot).Epoch < v.Epoch().Number {
			return false
		}
	}
	return true
}

// gives says whether a layout gives a filter to a slot. What wants no local messages does
// not count here: it has its place in the first slot by all layouts.
func (f *Filter) gives(e messages.Epoch, slot int) bool {
	if topic.IsShared(f.wire) {
		return slot < e.Sessions
	}
	return topic.Slot(f.wire, e.Sessions) == slot
}

// may says whether a slot may have a filter by a layout before that one.
func (v *View) may(slot int, f *Filter, before uint64) bool {
	from := v.Status(slot).Left
	if at := f.at(slot); at != nil {
		from = max(from, at.Left)
	}
	for _, e := range v.epochs {
		if e.Number >= from && e.Number < before && f.gives(e, slot) {
			return true
		}
	}
	return false
}

// owner is the slot to which the newest layout gives a filter that is not shared.
func (v *View) owner(f *Filter) int { return topic.Slot(f.wire, v.Epoch().Sessions) }

// Role is what a slot has to do with a filter.
type Role byte

// The roles: nothing; to have it, by the newest layout; to have it until it may be left.
const (
	None Role = iota
	Owner
	Former
)

// Role is that of a slot for a filter, as the broker knows it. Of a Former owner leave says
// that it is to go now.
func (v *View) Role(slot int, wire string) (role Role, leave bool) {
	f, ok := v.filters.Get(wire)
	if !ok {
		f = &Filter{wire: wire}
	}
	switch {
	case f.gives(v.Epoch(), slot):
		return Owner, false
	case v.may(slot, f, v.Epoch().Number):
		return Former, f.subscribers.Len() == 0 || v.mayLeave(f)
	}
	return None, false
}

// mayLeave says whether a former owner may leave a filter that is wanted.
func (v *View) mayLeave(f *Filter) bool {
	if topic.IsShared(f.wire) {
		return true
	}
	at := f.at(v.owner(f))
	return at != nil && at.Left == 0 && (at.Granted || at.Refusal.Kind != "") && v.agreed()
}

// moving says whether a slot other than the owner may have a filter.
func (v *View) moving(f *Filter) bool {
	if len(v.epochs) < 2 || topic.IsShared(f.wire) {
		return false
	}
	owner := v.owner(f)
	for slot := range v.Slots() {
		if slot != owner && v.may(slot, f, v.Epoch().Number) {
			return true
		}
	}
	return false
}

// Gone says whether no slot can have a filter any more that is leaving.
func (v *View) Gone(wire string) bool {
	f, ok := v.filters.Get(wire)
	if !ok || f.leaving == 0 || f.subscribers.Len() > 0 {
		return false
	}
	for slot := range v.Slots() {
		at := f.at(slot)
		if v.may(slot, f, v.Epoch().Number+1) && (at == nil || at.Number < f.leaving) || at != nil && at.Left == 0 {
			return false
		}
	}
	return true
}

// Match returns the filters that match a topic, in found.
func (v *View) Match(name string, found []*Filter) []*Filter {
	return v.filters.Match(name, found[:0])
}

// Remote says whether another slot delivers to a target what comes to a slot for a filter:
// the lowest that was granted one of those that match. It was published since that moment
// (see Markers.Since); doubt says that it would be so if it were published now, so that a
// marker is worth while.
func (v *View) Remote(slot int, wire string, target messages.Target, since int64, matching []*Filter) (is, doubt bool) {
	for _, f := range matching {
		if f.wire == wire {
			continue
		}
		s, ok := f.subscribers.Get(target)
		owner := v.owner(f)
		if !ok || s.ending || s.NoLocal || owner >= slot {
			continue
		}
		if at := f.at(owner); at != nil && at.surely(math.MaxInt64) >= s.since && !v.moving(f) {
			if at.surely(since) >= s.since {
				return true, false
			}
			doubt = true
		}
	}
	return false, doubt
}
