package worker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"chanmqttproxy/actors"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/slots"
	"chanmqttproxy/runtime/status"
)

// newKeeper makes the keeper of this worker's session slots.
func (w *Worker) newKeeper(client layer.Client) *slots.Keeper {
	return slots.New(slots.Options{
		Leases: client, Hold: w.hold, Lease: w.config.Broker.SessionLease, Sessions: w.config.Broker.Sessions,
		Log: w.logOf("slots"),
	})
}

// workerStatus is the state of this worker: its own slots, and its part in the whole.
type workerStatus struct {
	actors.Health
	slots slots.View
}

func (w *Worker) status() workerStatus {
	s := workerStatus{w.tree.Health(), w.keeper.View()}
	s.slots.Slots = slices.Clone(s.slots.Slots) // it belongs to the keeper
	for i := range s.slots.Slots {
		if p, here := w.tree.Progress(s.slots.Slots[i].Number); here {
			s.slots.Slots[i].Progress = &p
		}
	}
	return s
}

// standby says that all slots are held by others, so that there is nothing to do.
func (s workerStatus) standby() bool { return s.slots.StandsBy() != "" }

// readiness says what the worker lacks to do its work.
func (s workerStatus) readiness() status.Readiness {
	var reasons []string
	lack := func(missing bool, reason string) {
		if missing {
			reasons = append(reasons, reason)
		}
	}
	lack(s.Stopping || s.slots.Leaving, "the worker is stopping")
	if s.standby() {
		return status.Readiness{Ready: len(reasons) == 0, Reasons: reasons}
	}
	lack(!s.redis(), "Redis is unreachable")
	lack(s.slots.Reached && len(s.slots.Held) == 0, "the worker has no session slot yet")
	lack(!s.Restored, "the subscriptions have not been read from Redis yet")
	lack(s.Restored && !s.Broker, "no connection to the MQTT broker"+because(s.State.Reason))
	lack(s.Broker && !s.Subscribed, "the MQTT broker has not answered for every subscription")
	lack(s.Broker && s.Subscribed && s.Refused > 0 && s.Held == 0, "the MQTT broker refuses all subscriptions")
	return status.Readiness{Ready: len(reasons) == 0, Reasons: reasons, Refused: s.Refused}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// redis says whether Redis answers, and, if this worker holds slots, whether it reads commands.
func (s workerStatus) redis() bool { return s.slots.Reached && (len(s.slots.Held) == 0 || s.Layer) }

// text is the state of the worker in one line.
func (s workerStatus) text(r status.Readiness) string {
	switch {
	case !r.Ready:
		return "waiting: " + strings.Join(r.Reasons, "; ")
	case s.standby():
		return "standing by: other workers hold all session slots: " + s.slots.StandsBy()
	case s.slots.Sessions > 1 || s.slots.Before > 1:
		return fmt.Sprintf("at work on session slots %s of %d", s.held(), s.slots.Sessions)
	default:
		return "at work"
	}
}

// held are the numbers of the slots that the worker holds.
func (s workerStatus) held() string {
	var list []string
	for _, slot := range s.slots.Held {
		list = append(list, strconv.Itoa(slot.Number))
	}
	return strings.Join(list, ", ")
}
