package worker

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/slots"
)

var (
	slotEpoch   = described("session_slot_epoch", "How often the session slot has changed hands, of each slot that this worker holds.", "slot")
	slotLag     = described("session_slot_lag", "How many changes of the subscriptions the slot is behind: the newest one, less the last up to which the MQTT broker has answered for all.", "slot")
	slotFilters = described("session_slot_filters", "Filters of the session slot: its own, those of them that the MQTT broker granted or refused, and those on their way to it or from it.", "slot", "state")
)

// heldSlots collects the metrics of the session slots that this worker holds. The holders of the others
// report those, so that no two workers report one slot.
type heldSlots struct{ view func() slots.View }

// Describe implements prometheus.Collector.
func (h heldSlots) Describe(to chan<- *prometheus.Desc) {
	to <- slotEpoch
	to <- slotLag
	to <- slotFilters
}

// Collect implements prometheus.Collector.
func (h heldSlots) Collect(to chan<- prometheus.Metric) {
	v := h.view()
	for _, held := range v.Held {
		n := strconv.Itoa(held.Number)
		to <- prometheus.MustNewConstMetric(slotEpoch, prometheus.GaugeValue, float64(held.Epoch), n)
		p := progressOf(v.Slots, held.Number)
		if p == nil {
			continue
		}
		to <- prometheus.MustNewConstMetric(slotLag, prometheus.GaugeValue, float64(p.Lag), n)
		for state, count := range map[string]int{"own": p.Own, "granted": p.Granted, "refused": p.Refused, "moving": p.Moving} {
			to <- prometheus.MustNewConstMetric(slotFilters, prometheus.GaugeValue, float64(count), n, state)
		}
	}
}

func progressOf(all []messages.SlotInfo, number int) *messages.SlotProgress {
	for _, s := range all {
		if s.Number == number {
			return s.Progress
		}
	}
	return nil
}
