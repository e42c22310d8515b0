package actors

import "chanmqttproxy/messages"

// Progress returns how far a slot is; false: it does not run here. It may be called at any time,
// and does not wait.
func (t *Tree) Progress(slot int) (messages.SlotProgress, bool) {
	s := t.slot(slot)
	if s == nil {
		return messages.SlotProgress{}, false
	}
	h := s.deps.health
	return messages.SlotProgress{
		Own: int(h.filters.Load()), Granted: int(h.held.Load()), Refused: int(h.refused.Load()), Moving: int(h.moving.Load()),
		Change: h.change.Load(), Lag: h.lag.Load(),
	}, true
}
