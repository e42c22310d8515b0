package slots

import (
	"cmp"
	"slices"
	"strings"

	"chanmqttproxy/messages"
)

// holders names the other workers that hold the slots, each once, if they hold all of them; else it is
// empty.
func holders(all []messages.SlotInfo, ours []messages.Slot) string {
	var names []string
	for _, s := range all {
		if s.Holder == "" || len(ours) > 0 {
			return ""
		}
		names = append(names, cmp.Or(s.Name, s.Holder))
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// logStandby logs that this worker stands by, when the holders change.
func (k *Keeper) logStandby(holders string) {
	if holders != "" && holders != k.standby {
		k.Log.Info("standing by: other workers hold all session slots; one is taken over when its worker dies or stops", "holders", holders)
	}
	k.standby = holders
}

// StandsBy names the workers that hold all slots, so that this one stands by. Empty: it holds slots, or
// Redis does not answer.
func (v View) StandsBy() string {
	if !v.Reached {
		return ""
	}
	return holders(v.Slots, v.Held)
}
