package placement

import (
	"slices"
	"strconv"
	"strings"
)

// Resubscribing is the text of a marker. A slot publishes it before it subscribes once more to
// filters that it leaves: its session may have missed messages between the two subscriptions.
// Their owner has those, and all later ones. So what comes behind the marker is not this slot's
// to deliver.
//
// The next holder of the slot may get it. A session that has the filter # gets also those of other
// sessions, and other programs. So the marker says whose it is, and in which layout.
type Resubscribing struct {
	Life    string // of the registry: see messages.Position
	Slot    int
	Epoch   uint64
	Filters []string
}

// resubscribingPrefix begins the text. Other markers begin with a number in base 36.
const resubscribingPrefix = "again"

// Resubscribing is the marker of a slot for filters that it leaves in the newest layout.
func (v *View) Resubscribing(slot int, filters []string) Resubscribing {
	return Resubscribing{Life: v.life(), Slot: slot, Epoch: v.Epoch().Number, Filters: filters}
}

// Counts says whether a marker is one of that slot, in the newest layout.
func (v *View) Counts(r Resubscribing, slot int) bool {
	return r.Life == v.life() && r.Slot == slot && r.Epoch == v.Epoch().Number
}

// life is that of the registry.
func (v *View) life() string {
	if len(v.tables) == 0 {
		return ""
	}
	return v.tables[0].at.Life
}

// String is the text of the marker. A filter has no U+0000 [MQTT-4.7.3-2].
func (r Resubscribing) String() string {
	head := []string{resubscribingPrefix, r.Life, strconv.Itoa(r.Slot), strconv.FormatUint(r.Epoch, 10)}
	return strings.Join(slices.Concat(head, r.Filters), "\x00")
}

// ParseResubscribing is the opposite of String; ok is false if the marker is another one.
func ParseResubscribing(marker string) (r Resubscribing, ok bool) {
	fields := strings.Split(marker, "\x00")
	if len(fields) < 4 || fields[0] != resubscribingPrefix {
		return r, false
	}
	slot, err := strconv.Atoi(fields[2])
	number, err2 := strconv.ParseUint(fields[3], 10, 64)
	if err != nil || err2 != nil {
		return r, false
	}
	return Resubscribing{Life: fields[1], Slot: slot, Epoch: number, Filters: fields[4:]}, true
}
