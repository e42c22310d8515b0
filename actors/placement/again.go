package placement

import (
	"slices"
	"strconv"
	"strings"
)

// Again is the text of a marker. A slot publishes it before it subscribes once more to filters that
// it leaves: its session may have missed messages between the two subscriptions. Their owner has
// those, and all later ones. So what comes behind the marker is not this slot's to deliver.
//
// The next holder of the slot may get it. A session that has the filter # gets also those of other
// sessions, and other programs. So the marker says whose it is, and in which layout.
type Again struct {
	Life    string // of the registry: see messages.Position
	Slot    int
	Epoch   uint64
	Filters []string
}

// againPrefix begins the text. Other markers begin with a number in base 36.
const againPrefix = "again"

// Again is the marker of a slot for filters that it leaves in the newest layout.
func (v *View) Again(slot int, filters []string) Again {
	return Again{Life: v.life(), Slot: slot, Epoch: v.Epoch().Number, Filters: filters}
}

// Counts says whether a marker is one of that slot, in the newest layout.
func (v *View) Counts(a Again, slot int) bool {
	return a.Life == v.life() && a.Slot == slot && a.Epoch == v.Epoch().Number
}

// life is that of the registry.
func (v *View) life() string {
	if len(v.tables) == 0 {
		return ""
	}
	return v.tables[0].at.Life
}

// String is the text of the marker. A filter has no U+0000 [MQTT-4.7.3-2].
func (a Again) String() string {
	head := []string{againPrefix, a.Life, strconv.Itoa(a.Slot), strconv.FormatUint(a.Epoch, 10)}
	return strings.Join(slices.Concat(head, a.Filters), "\x00")
}

// ParseAgain is the opposite of String; ok is false if the marker is another one.
func ParseAgain(marker string) (a Again, ok bool) {
	fields := strings.Split(marker, "\x00")
	if len(fields) < 4 || fields[0] != againPrefix {
		return a, false
	}
	slot, err := strconv.Atoi(fields[2])
	number, err2 := strconv.ParseUint(fields[3], 10, 64)
	if err != nil || err2 != nil {
		return a, false
	}
	return Again{Life: fields[1], Slot: slot, Epoch: number, Filters: fields[4:]}, true
}
