package worker_test

import (
	"regexp"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/slots"
	"chanmqttproxy/runtime/worker"
)

// TestSlotMetrics: a worker tells of the session slots that it holds, and of no other.
func TestSlotMetrics(t *testing.T) {
	t.Parallel()
	progress := &messages.SlotProgress{Own: 40, Granted: 31, Refused: 2, Moving: 5, Change: 90, Lag: 3}
	body := worker.SlotMetrics(slots.View{LeaseAnswer: messages.LeaseAnswer{
		Held:  []messages.Slot{{Number: 1, Epoch: 7}, {Number: 3, Epoch: 2}},
		Slots: []messages.SlotInfo{{Number: 0, Progress: &messages.SlotProgress{Lag: 9}}, {Number: 1, Progress: progress}, {Number: 2}, {Number: 3}},
	}})
	const want = `chanmqttproxy_session_slot_epoch{slot="1"} 7
chanmqttproxy_session_slot_epoch{slot="3"} 2
chanmqttproxy_session_slot_filters{slot="1",state="granted"} 31
chanmqttproxy_session_slot_filters{slot="1",state="moving"} 5
chanmqttproxy_session_slot_filters{slot="1",state="own"} 40
chanmqttproxy_session_slot_filters{slot="1",state="refused"} 2
chanmqttproxy_session_slot_lag{slot="1"} 3
`
	if got := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(body, ""); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}
